import { CLIENT_LIMITS, type ClientLimits } from '../../kit/client-limits.ts';

export interface WebhookLimits {
  /** Time for an answer, from the moment at which the request's headers have arrived. */
  readonly answerMs: number;
  /** Connections at the same time, with one request each. Each takes up to 64 KiB beside its body. Further ones are closed at once. */
  readonly connections: number;
  /** Bodies in memory at the same time, in bytes. Requests beyond wait unread. */
  readonly bodyBytes: number;
  /** The same for decoded reviews, beside their texts. A review that takes more than this alone is refused: one of a million values. */
  readonly decodedBytes: number;
  readonly client: ClientLimits;
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  // API servers close the connection after 10 s (`timeoutSeconds`). An answer before says why, and the log has it.
  answerMs: 9000,
  connections: 500,
  bodyBytes: 32 * 1024 * 1024,
  decodedBytes: 128 * 1024 * 1024,
  client: {
    ...CLIENT_LIMITS,
    requestMs: 10_000,
    // Go's clients close idle connections after 90 s. A request that meets the server's own close fails: Go repeats no POST.
    idleMs: 120_000,
    headerBytes: 16 * 1024,
  },
};
