import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from '../../kit/byte-budget.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { readRequestBody } from '../../kit/read-body.ts';
import type { AdmissionDenial, AdmissionHandler } from './admission.ts';
import { deny, readReview, reviewAnswer, type AdmissionReview } from './admission-review.ts';

/** A body of this size is refused, as by controller-runtime v0.24.1: two objects of 3 MiB, and 1 MiB for the rest of the review. */
export const BODY_BYTES = 7 * 1024 * 1024;

export interface ReviewDeps {
  readonly logger: Logger;
  /** Bodies that are in memory at the same time. */
  readonly bodies: ByteBudget;
  /** Decoded reviews that are in memory at the same time. */
  readonly decoded: ByteBudget;
}

/**
 * Reads a review from a request, has it decided, and returns the text of the answer, whose HTTP status is 200 in any case. Throws
 * `CLIENT_GONE`, and the signal's reason while it waits for room.
 */
export async function answerReview(
  { logger, bodies, decoded }: ReviewDeps,
  request: IncomingMessage,
  handler: AdmissionHandler,
  signal: AbortSignal,
): Promise<string> {
  const size = announcedSize(request);
  using _reserved = await bodies.reserve(size < BODY_BYTES ? size : 0, signal);
  const body = await readReviewBody(request, size);
  const values = typeof body === 'string' ? decodedBytes(body) : 0;
  using _decoded = await decoded.reserve(values > decoded.limit ? 0 : values, signal);
  const review =
    typeof body !== 'string' ? body : values > decoded.limit ? deny(413, TOO_MANY_VALUES) : readReview(body);
  if ('allowed' in review) {
    logger.warn('a review was refused', { code: review.code, problem: review.message });
    return reviewAnswer(undefined, review);
  }
  return await decide(logger, review, handler, signal);
}

const TOO_MANY_VALUES = 'expected a review with fewer values, which takes less memory';

/** Most bytes that a value takes beside its text: one in a map of its own, whose key no other map has (Node.js 24). */
const VALUE_BYTES = 128;

/** Upper bound of what a JSON text takes once it is decoded, without the texts in it. Every value but the first comes after one of `{[,`. */
function decodedBytes(text: string): number {
  let values = 1;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x2c || code === 0x5b || code === 0x7b) values += 1;
  }
  return values * VALUE_BYTES;
}

/** Length of the body. Without a `Content-Length` it may be as long as allowed. */
function announcedSize({ headers }: IncomingMessage): number {
  const length = headers['content-length'];
  if (length !== undefined) return Number(length);
  return headers['transfer-encoding'] === undefined ? 0 : BODY_BYTES - 1;
}

/** Makes the checks of controller-runtime, in its order. */
async function readReviewBody(request: IncomingMessage, size: number): Promise<string | AdmissionDenial> {
  const tooLong = new LarderError('REQUEST_INVALID', `expected a review of less than ${BODY_BYTES} bytes`);
  try {
    const limit = size < BODY_BYTES ? BODY_BYTES - 1 : 0;
    const body = await readRequestBody(request, limit, () => tooLong);
    if (body.length === 0) return deny(400, 'expected a review, found an empty body');
    const type = request.headers['content-type'];
    if (type !== 'application/json')
      return deny(400, `expected Content-Type: application/json, found ${type?.slice(0, 100) ?? 'none'}`);
    return body.toString('utf8');
  } catch (error) {
    if (error !== tooLong) throw error;
    return deny(413, tooLong.message);
  }
}

async function decide(
  logger: Logger,
  review: AdmissionReview,
  handler: AdmissionHandler,
  signal: AbortSignal,
): Promise<string> {
  try {
    return reviewAnswer(review, await handler(review.request, signal));
  } catch (error) {
    signal.throwIfAborted();
    const { uid, operation, namespace, name } = review.request;
    logger.error('an admission handler failed', {
      uid,
      operation,
      namespace,
      name,
      error: errorText(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    const message = isLarderError(error) ? error.message : `unexpected error: ${errorText(error)}`;
    return reviewAnswer(review, deny(500, message));
  }
}
