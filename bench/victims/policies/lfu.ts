import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/** Milliseconds that no trace reaches, so that recency decides only between equal counts. */
const EVER = 1e12;

/** Evicts the lowest count of uses. Counts restart when an item is fetched again. */
export const lfu: Policy = {
  name: 'LFU',
  createCache: (capacity) => createRankedCache(capacity, ({ uses }, { at }) => uses + at / EVER),
};

/** LFU with dynamic aging (Arlitt et al., 1999): a used item ranks by its count above the last evicted one. */
export const lfuDa: Policy = {
  name: 'LFU-DA',
  createCache: (capacity) => createRankedCache(capacity, ({ uses }, _, lastEvicted) => lastEvicted + uses),
};
