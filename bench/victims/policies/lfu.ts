import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/** Milliseconds that no trace reaches: recency decides between equal counts. */
const EVER = 1e12;

/** Counts begin anew when an item is fetched again. */
export const lfu: Policy = {
  name: 'LFU',
  createCache: (capacity) => createRankedCache(capacity, ({ uses }, { at }) => uses + at / EVER),
};

/** LFU with dynamic aging (Arlitt et al., 1999): what is used is worth its count more than what was evicted last. */
export const lfuDa: Policy = {
  name: 'LFU-DA',
  createCache: (capacity) => createRankedCache(capacity, ({ uses }, _, lastEvicted) => lastEvicted + uses),
};
