import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

export const lru: Policy = {
  name: 'LRU',
  createCache: (capacity) => createRankedCache(capacity, (_, { at }) => at),
};
