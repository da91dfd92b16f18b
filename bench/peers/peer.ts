/** A running server of the comparison. Disposing it stops it and removes what it kept. */
export interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}
