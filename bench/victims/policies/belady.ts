import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/**
 * Knows what comes: what will not be read for longest goes first (Belady, 1966). With items of many sizes that is not the
 * optimum, but no cache without foresight comes near it.
 */
export const belady: Policy = {
  name: 'Belady',
  createCache: (capacity) => createRankedCache(capacity, (_, { nextAt }) => -nextAt),
};
