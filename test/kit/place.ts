import type { Server } from 'node:net';

/** Where programs run when that is not simply beside the test: in a network namespace, say. */
export interface Place {
  /** The words before a command that make it run there. The process they start ends when that command does. */
  readonly enter: readonly string[];
  /** Where the test itself reaches a server that listens at this `http(s)://ADDRESS:PORT` there; no slash at the end. */
  reach(url: string): Promise<string>;
  /** Makes a server of the test itself listen there: its connections are those of the place. Port 0 picks a free one. */
  listen(server: Server, at: { readonly address: string; readonly port: number }): Promise<void>;
}
