import { graphPanel, rowPanel, statPanel, type Panel } from './panels.ts';

/** Metrics of the registries that are chosen in the dashboard. */
const of = (metric: string): string => `registry_proxy_${metric}_total{upstream_host=~"$upstream_host"}`;
const rate = (metric: string): string => `sum by (upstream_host) (rate(${of(metric)}[$__rate_interval]))`;
const total = (metric: string): string => `sum by (upstream_host) (${of(metric)})`;
const increase = (metric: string): string => `increase(${of(metric)}[$__range])`;

/** Volumes of the registries that are chosen, of every replica. A dot in the name of an upstream matches the dash in that of the claim. */
const volume = (metric: string): string =>
  `sum by (persistentvolumeclaim) (kubelet_volume_stats_${metric}_bytes{persistentvolumeclaim=~"` +
  `^cache-volume-registry-(\${upstream_host:pipe})-[0-9]+$"})`;

const UPSTREAM = '{{upstream_host}}';
const CLAIM = '{{persistentvolumeclaim}}';

/** Settings of the graphs. A claim is shown as upstream and number of the replica. */
const BYTES_RATE = { unit: 'decbytes', width: 24 } as const;
const COUNT_RATE = { unit: 'short', width: 24 } as const;
const BYTES = { unit: 'decbytes', width: 12 } as const;
const VOLUMES = { ...BYTES, rename: { regex: '^cache-volume-registry-(.+)$', renamePattern: '$1' } } as const;

/** The panels from top to bottom. */
const PANELS: readonly Panel[] = [
  rowPanel('Aggregation'),
  statPanel('Pulled from upstream', 'Bytes that the caches fetched from upstream registries.', {
    expr: `sum by (type) (${increase('pulled_bytes')})`,
    legend: '{{type}}',
  }),
  statPanel('Pushed to clients', 'Bytes that the caches sent to the nodes.', {
    expr: `sum by (type) (${increase('pushed_bytes')})`,
    legend: '{{type}}',
  }),
  statPanel('Delta', 'Bytes that did not have to come from upstream registries.', {
    expr: `sum(${increase('pushed_bytes')}) - sum(${increase('pulled_bytes')} or on () vector(0))`,
    legend: 'saved',
  }),
  rowPanel('General'),
  graphPanel('Pulled and Pushed Bytes Rate', BYTES_RATE, [
    { expr: rate('pulled_bytes'), legend: `pulled ${UPSTREAM}` },
    { expr: rate('pushed_bytes'), legend: `pushed ${UPSTREAM}` },
  ]),
  graphPanel('Cache Hits and Misses Rate', COUNT_RATE, [
    { expr: rate('hits'), legend: `hits ${UPSTREAM}` },
    { expr: rate('misses'), legend: `misses ${UPSTREAM}` },
  ]),
  rowPanel('Bytes'),
  graphPanel('Pulled from upstream', BYTES, [{ expr: total('pulled_bytes'), legend: UPSTREAM }]),
  graphPanel('Pushed to clients', BYTES, [{ expr: total('pushed_bytes'), legend: UPSTREAM }]),
  rowPanel('Persistent Volumes'),
  graphPanel('Persistent Volume Size', VOLUMES, [{ expr: volume('capacity'), legend: CLAIM }]),
  graphPanel('Persistent Volume Available Size', VOLUMES, [{ expr: volume('available'), legend: CLAIM }]),
];

/** Renders the dashboard of a shoot's caches for Plutono 7.5, the Grafana of Gardener. Names and address are those of the Go extension. */
export function dashboard(): object {
  return {
    uid: 'extension-extension-registry-cache',
    title: 'Registry Caches',
    tags: ['registry', 'cache'],
    schemaVersion: 27,
    version: 1,
    style: 'dark',
    editable: true,
    graphTooltip: 1,
    timezone: 'utc',
    refresh: '1m',
    time: { from: 'now-1h', to: 'now' },
    timepicker: { refresh_intervals: ['10s', '30s', '1m', '5m', '15m', '30m', '1h'] },
    templating: { list: [VARIABLE] },
    panels: placed(PANELS),
  };
}

const VARIABLE = {
  name: 'upstream_host',
  label: 'Registry',
  type: 'query',
  datasource: null,
  query: {
    query: 'label_values({__name__=~"registry_proxy_.+"}, upstream_host)',
    refId: 'StandardVariableQuery',
  },
  // Asks again when the time that is shown changes.
  refresh: 2,
  multi: true,
  includeAll: true,
  current: { selected: true, text: ['All'], value: ['$__all'] },
} as const;

/** Width of a dashboard. */
const COLUMNS = 24;

/** Places panels beside each other as long as there is room, then below. */
function placed(panels: readonly Panel[]): object[] {
  let [x, y, lineHeight] = [0, 0, 0];
  return panels.map(({ width, height, content }, index) => {
    if (x + width > COLUMNS) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const gridPos = { x, y, w: width, h: height };
    [x, lineHeight] = [x + width, Math.max(lineHeight, height)];
    return { id: index + 1, gridPos, ...content };
  });
}
