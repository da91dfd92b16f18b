import { createCatalog } from './catalog.ts';
import { pullImage, type Item, type Pull } from './image.ts';
import { createRandom } from './random.ts';
import { rolloutsOf } from './rollouts.ts';
import { scansOf } from './scans.ts';
import { MINUTE_MS } from './time.ts';
import type { Workload } from './workload.ts';

/** One GET that reaches the cache. */
export interface Read {
  /** Milliseconds since the trace began, a Monday at 0:00. */
  readonly at: number;
  readonly item: Item;
  /** Number of the item, from 0 in the order of first reads. */
  readonly id: number;
  /** True for the first read of the item in a burst. The others share its download under any policy. */
  readonly first: boolean;
  /** Time of the item's next read; Infinity: never. For policies with foresight. */
  readonly nextAt: number;
}

export interface Trace {
  /** In the order of time. */
  readonly reads: readonly Read[];
  /** Sum of the sizes of all items, each counted once. */
  readonly footprint: number;
}

/** Reads of one item within this time of each other are one burst. */
export const BURST_MS = 10 * MINUTE_MS;

/** A month at a cache for one organisation, the same for the same seed. The files beside this one state the assumptions. */
export function traceOf(seed: number, workload: Workload): Trace {
  const random = createRandom(seed);
  const catalog = createCatalog(random, workload.days);
  const pulls: Pull[] = [...rolloutsOf(random, catalog, workload), ...scansOf(random, catalog, workload)];
  const bare = pulls.flatMap((pull) => pullImage(random, pull)).sort((a, b) => a.at - b.at);
  const reads = tracedReads(bare);
  return { reads, footprint: footprintOf(reads) };
}

/** Completes reads with their item's number, burst and next read. `bare` is in the order of time. */
export function tracedReads(bare: readonly Pick<Read, 'at' | 'item'>[]): Read[] {
  const last = new Map<Item, { -readonly [K in keyof Read]: Read[K] }>();
  return bare.map(({ at, item }) => {
    const before = last.get(item);
    if (before !== undefined) before.nextAt = at;
    const read = {
      at,
      item,
      id: before?.id ?? last.size,
      first: before === undefined || at - before.at > BURST_MS,
      nextAt: Infinity,
    };
    last.set(item, read);
    return read;
  });
}

function footprintOf(reads: readonly Read[]): number {
  const items = new Set(reads.map(({ item }) => item));
  let bytes = 0;
  for (const { size } of items) bytes += size;
  return bytes;
}
