/**
 * Refuses a request. Ends the work at once and drops the problems found so far, as an error that is none of a field does in the Gardener
 * extension.
 */
export class Denial extends Error {
  /** HTTP status of the answer. */
  readonly code: number;

  constructor(message: string, code = 403) {
    super(message);
    this.name = 'Denial';
    this.code = code;
  }
}
