import type { Policy } from './policies/policy.ts';
import type { Trace } from './trace/trace.ts';

/** Shares of a trace that an initially empty cache served, in percent. */
export interface HitRates {
  /** Share of all bytes. */
  readonly bytes: number;
  /** Share of the bytes of first reads in bursts. */
  readonly first: number;
  /** Share of manifests and configs by number; a burst counts as one. */
  readonly small: number;
}

/** Sends the whole trace through a cache of `capacity` bytes. */
export function replay(trace: Trace, policy: Policy, capacity: number): HitRates {
  const cache = policy.createCache(capacity);
  const [bytes, first, small] = [newRate(), newRate(), newRate()];
  for (const read of trace.reads) {
    const hit = cache.read(read);
    const { size, kind } = read.item;
    bytes.count(hit, size);
    if (!read.first) continue;
    first.count(hit, size);
    if (kind !== 'layer') small.count(hit, 1);
  }
  return { bytes: bytes.percent(), first: first.percent(), small: small.percent() };
}

function newRate() {
  let all = 0;
  let hits = 0;
  return {
    count(hit: boolean, weight: number): void {
      all += weight;
      if (hit) hits += weight;
    },
    percent: () => (100 * hits) / all,
  };
}
