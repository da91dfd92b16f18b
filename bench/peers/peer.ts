/** Running server of the comparison. Disposing stops it and removes its files. */
export interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}
