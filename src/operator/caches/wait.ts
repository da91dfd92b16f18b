/** Returned by a step that cannot finish yet. */
export interface Wait {
  /** Time until the next try. */
  readonly waitMs: number;
  /** The reason as a sentence, for the status and the log. */
  readonly why: string;
}
