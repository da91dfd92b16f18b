import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/**
 * Evicts the item whose next read is furthest in the future (Belady, 1966). With items of many sizes this is not the optimum, but no cache
 * without foresight comes near it.
 */
export const belady: Policy = {
  name: 'Belady',
  createCache: (capacity) => createRankedCache(capacity, (_, { nextAt }) => -nextAt),
};
