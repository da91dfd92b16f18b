import type { Server } from 'node:net';

/** A place to run programs other than beside the test, such as a network namespace. */
export interface Place {
  /** The words before a command that run it in this place. Their process ends together with the command. */
  readonly enter: readonly string[];
  /** The URL at which the test reaches a server that listens at `http(s)://ADDRESS:PORT` in this place; no slash at the end. */
  reach(url: string): Promise<string>;
  /** Makes a server of the test itself listen in this place, for connections of this place. Port 0 picks a free one. */
  listen(server: Server, at: { readonly address: string; readonly port: number }): Promise<void>;
}
