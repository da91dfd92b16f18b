import type { CacheMetrics } from '../metrics.ts';
import type { StoreStats } from '../../store/types.ts';

/**
 * Sets the gauges of the store: one series without labels for the whole store, and one for each upstream with a budget of its
 * own. Series of other upstreams are removed.
 */
export function refreshStoreGauges(
  {
    storeBytes,
    storeLimitBytes,
    storeDamaged,
  }: Pick<CacheMetrics, 'storeBytes' | 'storeLimitBytes' | 'storeDamaged'>,
  { bytes, limitBytes, damagedObjects, perUpstream }: StoreStats,
): void {
  for (const gauge of [storeBytes, storeLimitBytes]) gauge.reset();
  storeBytes.set(bytes);
  storeLimitBytes.set(limitBytes);
  storeDamaged.set(damagedObjects);
  for (const own of perUpstream) {
    if (own.limitBytes === undefined) continue;
    storeBytes.set({ upstream_host: own.upstream }, own.bytes);
    storeLimitBytes.set({ upstream_host: own.upstream }, own.limitBytes);
  }
}
