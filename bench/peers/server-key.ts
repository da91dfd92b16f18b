/** Key (P-256) and certificate of the servers, PEM: the same for all of them. */
export interface ServerKey {
  readonly key: string;
  readonly cert: string;
}
