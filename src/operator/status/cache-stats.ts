import { get, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import { readBody } from '../../kit/read-body.ts';

/** The part of a cache's statistics (`/api/v1/stats` of its admin listener) that the status needs. */
export type CacheStats = z.output<typeof UPSTREAM_STATS>;

const UPSTREAM_STATS = z.object({
  upstream: z.string(),
  requests: z.number(),
  hits: z.number(),
  bytesFromStore: z.number(),
  storedBytes: z.number(),
  credentialRefused: z.boolean().default(false),
  secretsMissing: z.boolean().default(false),
  cloudLoginFailing: z.boolean().default(false),
  cloudLoginMissing: z.boolean().default(false),
  failing: z.boolean().default(false),
  storeFull: z.boolean().default(false),
  lastError: z.object({ code: z.string(), message: z.string(), time: z.string() }).nullish(),
});

const STATS = z.object({ upstreams: z.array(UPSTREAM_STATS) });

const LIMIT_MS = 2_000;
const MOST_BYTES = 64 * 1024;

/** Requests the statistics of the cache at `address` (`http://host:port`). Returns undefined if it does not answer as expected. */
export async function readCacheStats(
  address: string,
  upstream: string,
  clock: Clock,
  parent: AbortSignal,
): Promise<CacheStats | undefined> {
  using life = createLifeline(clock, parent);
  life.limit(LIMIT_MS, () => new Error('no answer in time'));
  try {
    const response = await open(`${address}/api/v1/stats`, life.signal);
    const content = await readBody(response, MOST_BYTES, () => new Error('the answer is too long'));
    if (response.statusCode !== 200) return undefined;
    const stats = STATS.parse(JSON.parse(content.toString('utf8')));
    return stats.upstreams.find((one) => one.upstream === upstream);
  } catch {
    return undefined;
  }
}

/** Opens a new connection each time: another cache may have the same address by then. */
function open(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).once('error', reject);
  });
}
