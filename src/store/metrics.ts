import type { MetricsRegistry } from '../kit/metrics.ts';

export type StoreMetrics = ReturnType<typeof declareStoreMetrics>;

/** Declares the metrics of a store, so that dashboards find them before the first event. */
export function declareStoreMetrics({ registry, counter, gauge }: MetricsRegistry) {
  return {
    registry,
    storeBytes: gauge('larder_store_bytes', 'Bytes in the store, or those of one upstream with a budget', [
      'upstream_host',
    ]),
    storeLimitBytes: gauge('larder_store_limit_bytes', 'Byte budget of the store, or of one upstream', [
      'upstream_host',
    ]),
    evictions: counter('larder_evictions_total', 'Content removed from the store', ['reason']),
    storeDamaged: gauge(
      'larder_store_damaged_objects',
      'Stored content that is out of service because it is damaged',
    ),
    adoptionPending: gauge(
      'larder_store_adoption_pending_bytes',
      'Bytes of a Distribution registry that the store has not adopted yet',
    ),
    corruptBlobs: counter('larder_corrupt_blobs_total', 'Damaged content found, by what was done', [
      'action',
    ]),
    storeHandedBack: gauge(
      'larder_store_handed_back',
      '1 once the store is handed back to a registry of the Distribution project',
    ),
    scrubProgress: gauge(
      'larder_scrub_progress_ratio',
      'Share of the stored bytes that the scrub under way has read; 1 while it rests',
    ),
    scrubBytes: counter('larder_scrub_bytes_total', 'Bytes that the scrub has read'),
    scrubDamaged: counter('larder_scrub_damaged_total', 'Damaged content that the scrub has found'),
    scrubLastCompletion: gauge(
      'larder_scrub_last_completion_timestamp_seconds',
      'When all stored content was last read, Unix time; 0 before the first',
    ),
  };
}
