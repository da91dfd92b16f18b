import { visit } from './good-clients.ts';
import { createRandom } from './random.ts';
import { intrude } from './rude-clients.ts';
import type { FloodSetting } from './setting.ts';
import { makeTrouble } from './trouble.ts';

export interface FloodOptions {
  readonly seed: number;
  /** Milliseconds in which new clients come. */
  readonly ms: number;
}

/** Counts of what a flood consisted of. */
export interface FloodCounts {
  visits: number;
  intrusions: number;
  /** Sent by those who intrude; a visit sends some by itself. */
  rudeRequests: number;
  troubles: number;
}

/** Clients at a time, for each process. */
const GOOD = 10;
const RUDE = 30;

/**
 * Floods each target for a while, with clients good and rude, while its upstreams have one trouble after the other. The n-th client does the
 * same whenever the seed is the same. Throws what a good client found wrong first; then the flood ends early.
 */
export async function flood(
  { sources, targets }: FloodSetting,
  { seed, ms }: FloodOptions,
): Promise<FloodCounts> {
  const counts: FloodCounts = { visits: 0, intrusions: 0, rudeRequests: 0, troubles: 0 };
  const over = new AbortController();
  const end = performance.now() + ms;
  let number = 0;
  let failure: unknown;

  async function keepComing(client: (seed: number) => Promise<void>): Promise<void> {
    while (performance.now() < end && !over.signal.aborted) {
      number += 1;
      try {
        await client(seed + number);
      } catch (error) {
        failure ??= error;
        over.abort();
      }
    }
  }

  const troubles = sources.map(async ({ upstream }, index) => {
    const made = await makeTrouble(upstream, createRandom(seed - index), over.signal);
    counts.troubles += made;
  });
  const clients = targets.flatMap((target) => [
    ...Array.from({ length: GOOD }, () =>
      keepComing(async (seed) => {
        counts.visits += 1;
        await visit(target, createRandom(seed));
      }),
    ),
    ...Array.from({ length: RUDE }, () =>
      keepComing(async (seed) => {
        counts.intrusions += 1;
        const sent = await intrude(target, createRandom(seed));
        counts.rudeRequests += sent;
      }),
    ),
  ]);
  await Promise.all(clients);
  over.abort();
  await Promise.all(troubles);
  if (failure !== undefined) throw failure;
  return counts;
}
