/** Selects the claims of all caches. */
const CLAIMS = 'persistentvolumeclaim=~"^cache-volume-registry-.+$"';
const AVAILABLE = `kubelet_volume_stats_available_bytes{${CLAIMS}}`;

/** Percent of a volume that is free. */
const FREE = `100 * ${AVAILABLE} / kubelet_volume_stats_capacity_bytes{${CLAIMS}}`;

const FOUR_DAYS_SECONDS = 4 * 24 * 3600;

/** Alerts for the owner of the shoot. Larder keeps to nine tenths of a volume, so they fire when other files fill it. */
export const ALERTS = [
  alert(
    'RegistryCachePersistentVolumeUsageCritical',
    `${FREE} < 5`,
    'Registry cache PersistentVolume almost full.',
    'The volume claimed by {{ $labels.persistentvolumeclaim }} has only {{ printf "%0.2f" $value }}% of its space free. A registry ' +
      'cache without free space stores no new images. Pulls go on: what is not stored comes from the upstream.',
  ),
  alert(
    'RegistryCachePersistentVolumeFullInFourDays',
    `${FREE} < 15 and predict_linear(${AVAILABLE}[30m], ${FOUR_DAYS_SECONDS}) <= 0`,
    'Registry cache PersistentVolume will be full in four days.',
    'At the rate of the last half hour the volume claimed by {{ $labels.persistentvolumeclaim }} is full within four days. ' +
      '{{ printf "%0.2f" $value }}% of its space is free now.',
  ),
] as const;

/** Sums that the Prometheus of the seed and that of the garden collect, by the form of their names. */
const SUMS = (['pushed', 'pulled'] as const).map((direction) => {
  const metric = `registry_proxy_${direction}_bytes_total`;
  return { record: `shoot:${metric}:sum`, expr: `sum by (upstream_host) (rate(${metric}[5m]))` };
});

/** Shows the operator of a seed which shoots are ready for the Go extension: 1 once all caches have given their stores back. */
const HANDED_BACK = {
  record: 'shoot:larder_store_handed_back:min',
  expr: 'min(larder_store_handed_back)',
};

export const RECORDINGS = [...SUMS, HANDED_BACK];

function alert(name: string, expr: string, summary: string, description: string) {
  return {
    alert: name,
    expr,
    for: '1h',
    labels: {
      service: 'registry-cache-extension',
      severity: 'warning',
      type: 'shoot',
      visibility: 'owner',
    },
    annotations: { summary, description },
  };
}
