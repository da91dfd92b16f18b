import type { Trace } from './trace/trace.ts';

/**
 * Upper bound of byte hits in percent of all bytes read, which no cache can exceed (PFOO-L of Berger et al., SIGMETRICS 2018). The returned
 * function takes the capacity in bytes. A read hits only if its item was kept since the read before, which takes the item's size for that
 * long. The shortest such times are taken first, until the room of the whole time is used up. It is a bound because it ignores whether they
 * fit side by side.
 */
export function createByteHitBound({ reads }: Trace): (capacity: number) => number {
  const bytes = reads.reduce((sum, { item }) => sum + item.size, 0);
  const duration = reads.at(-1)!.at - reads[0]!.at;
  const waits = reads
    .filter(({ nextAt }) => nextAt < Infinity)
    .map(({ at, nextAt, item }) => ({ ms: nextAt - at, size: item.size }))
    .sort((a, b) => a.ms - b.ms);

  return (capacity) => {
    let room = capacity * duration;
    let hits = 0;
    for (const { ms, size } of waits) {
      if (size > capacity) continue;
      const share = Math.min(1, room / Math.max(1, ms * size));
      hits += share * size;
      room -= share * ms * size;
      if (room <= 0) break;
    }
    return (100 * hits) / bytes;
  };
}
