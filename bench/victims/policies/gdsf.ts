import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/** GreedyDual-Size with frequency (Cherkasova, 1998): uses per byte, aged. Made for hits of objects, not of bytes. */
export const gdsf: Policy = {
  name: 'GDSF',
  createCache: (capacity) =>
    createRankedCache(capacity, ({ uses, item }, _, lastEvicted) => lastEvicted + uses / item.size),
};
