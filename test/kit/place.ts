/** Where programs run when that is not simply beside the test: in a network namespace, say. */
export interface Place {
  /** The words before a command that make it run there. The process they start ends when that command does. */
  readonly enter: readonly string[];
  /** Where the test itself reaches a server that listens at this `http://127.0.0.1:PORT` there; no slash at the end. */
  reach(url: string): Promise<string>;
}
