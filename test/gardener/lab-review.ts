import type { Agent } from 'node:https';
import { postReview, reviewOf, type AnsweredReview } from '../kube/reviews.ts';
import type { ProgramPlace } from './lab-program.ts';

export interface SentReview {
  readonly path: string;
  /** `request` of the review. */
  readonly request: object;
  /** Version of the review; `v1` by default. */
  readonly version?: string | undefined;
  /** Keeps connections. Undefined: a connection of its own. */
  readonly agent?: Agent;
}

/** Sends a review to a replica as an API server does that trusts `ca`. Throws if it is not answered. */
export async function sendReview(
  { place }: ProgramPlace,
  port: number,
  ca: string,
  { path, request, version, agent }: SentReview,
): Promise<AnsweredReview['response']> {
  const { hostname, port: door } = new URL(await place.reach(`https://127.0.0.1:${port}`));
  const address = { host: hostname, port: Number(door) };
  const { httpStatus, text, review } = await postReview(address, path, reviewOf(request, version), {
    ca,
    ...(agent !== undefined && { agent }),
  });
  if (httpStatus !== 200 || review === undefined) throw new Error(`answered with ${httpStatus}: ${text}`);
  return review.response;
}
