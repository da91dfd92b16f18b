import { worthAfterUse, worthOfNew } from '../../../src/store/index/worth.ts';
import type { Policy } from './policy.ts';
import { createRankedCache } from './ranked.ts';

/** The same as in `src/store/space/evictor.ts`. */
const SLACK = 0.02;
/** Milliseconds above any worth: manifests are evicted once no blob is left. */
const MANIFESTS_LAST = 1e12;

/** Evicts by the store's own worth of content, in the order of its evictor. */
export const larder: Policy = {
  name: 'larder',
  createCache: (capacity) =>
    createRankedCache(
      capacity,
      ({ item: { size, kind }, uses, usedAt, rank }, { at }) => {
        const last = kind === 'manifest' ? MANIFESTS_LAST : 0;
        if (uses === 1) return last + worthOfNew(size, at, capacity);
        return last + worthAfterUse({ size, usedAt, worth: rank - last }, at, capacity);
      },
      SLACK,
    ),
};
