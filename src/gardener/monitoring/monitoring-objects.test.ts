import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dashboard } from './dashboard.ts';
import { monitoringObjects } from './monitoring-objects.ts';

interface DashboardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const { panels } = dashboard() as { panels: DashboardPanel[] };
const named = (title: string): DashboardPanel | undefined => panels.find((panel) => panel.title === title);

describe('the dashboard', () => {
  test('has the rows and panels of the Go extension, in its order', () => {
    assert.deepEqual(
      panels.map(({ type, title }) => `${type} ${title}`),
      [
        'row Aggregation',
        'stat Pulled from upstream',
        'stat Pushed to clients',
        'stat Delta',
        'row General',
        'graph Pulled and Pushed Bytes Rate',
        'graph Cache Hits and Misses Rate',
        'row Bytes',
        'graph Pulled from upstream',
        'graph Pushed to clients',
        'row Persistent Volumes',
        'graph Persistent Volume Size',
        'graph Persistent Volume Available Size',
      ],
    );
  });

  test('shows the volumes of every replica, and names each by its claim', () => {
    for (const title of ['Persistent Volume Size', 'Persistent Volume Available Size']) {
      const [target] = named(title)?.targets ?? [];
      const selector = /persistentvolumeclaim=~"([^"]+)"/.exec(target?.expr ?? '')?.[1] ?? '';
      const claims = new RegExp(selector.replace('${upstream_host:pipe}', 'docker.io|quay.io'));
      for (const claim of ['registry-docker-io-0', 'registry-docker-io-1', 'registry-quay-io-0'])
        assert.match(`cache-volume-${claim}`, claims);
      assert.doesNotMatch('cache-volume-registry-ghcr-io-0', claims);
      assert.equal(target?.legendFormat, '{{persistentvolumeclaim}}');
    }
  });

  test('names every series by a label that the query keeps', () => {
    for (const { targets = [], title } of panels)
      for (const { expr, legendFormat } of targets) {
        const label = /\{\{(\w+)\}\}/.exec(legendFormat)?.[1];
        assert.ok(label === undefined || expr.includes(`sum by (${label}) (`), `${title}: ${legendFormat}`);
      }
  });

  test('has no panel over another, and none beyond its edge', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(!taken.has(`${x} ${y}`), title);
          taken.add(`${x} ${y}`);
        }
    }
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
});

test('alerts, sums and targets have the names by which landscapes know them', () => {
  const [dashboards, rules, targets] = monitoringObjects('shoot--p--s').map(({ object }) => object);
  assert.equal(dashboards?.metadata.name, 'registry-cache-dashboards');
  const { groups } = (
    rules as unknown as { spec: { groups: { name: string; rules: Record<string, unknown>[] }[] } }
  ).spec;
  assert.deepEqual(
    groups.map(({ name, rules: of }) => [name, of.map(({ alert, record }) => alert ?? record)]),
    [
      [
        'registry-cache.rules',
        [
          'RegistryCachePersistentVolumeUsageCritical',
          'RegistryCachePersistentVolumeFullInFourDays',
          'shoot:registry_proxy_pushed_bytes_total:sum',
          'shoot:registry_proxy_pulled_bytes_total:sum',
          'shoot:larder_store_handed_back:min',
        ],
      ],
    ],
  );
  const { spec } = targets as unknown as { spec: { metricRelabelings: { regex: string }[] } };
  assert.equal(spec.metricRelabelings[0]?.regex, '^(registry_proxy_.+|larder_store_handed_back)$');
});

test('targets are caches of both namespaces in a shoot that may have both, and otherwise no byte is different', () => {
  const targetsOf = (...options: [] | [{ isReplicated: boolean }]) => {
    const targets = monitoringObjects('shoot--p--s', ...options)[2]?.object as unknown as {
      spec: {
        kubernetesSDConfigs: { namespaces: { names: string[] } }[];
        relabelings: { sourceLabels?: string[]; regex?: string; replacement?: string }[];
      };
    };
    return targets.spec;
  };
  assert.equal(JSON.stringify(targetsOf({ isReplicated: false })), JSON.stringify(targetsOf()));
  const { kubernetesSDConfigs, relabelings } = targetsOf({ isReplicated: true });
  assert.deepEqual(kubernetesSDConfigs[0]?.namespaces.names, ['kube-system', 'larder-system']);
  const { sourceLabels, regex = '', replacement = '' } = relabelings.at(-1) ?? {};
  const pod = '__meta_kubernetes_pod';
  assert.deepEqual(sourceLabels, [
    '__meta_kubernetes_namespace',
    `${pod}_name`,
    `${pod}_container_port_number`,
  ]);
  const path = 'larder-system;registry-docker-io-0;5001'.replace(
    new RegExp(`^${regex}$`),
    replacement.replaceAll(/\$\{(\d)\}/g, '$$$1'),
  );
  assert.equal(path, '/api/v1/namespaces/larder-system/pods/registry-docker-io-0:5001/proxy/metrics');
});

test('the expressions of the alerts compare free space in percent', () => {
  const [, rules] = monitoringObjects('shoot--p--s').map(({ object }) => object);
  const { spec } = rules as unknown as { spec: { groups: [{ rules: { expr: string }[] }] } };
  const [critical, inFourDays] = spec.groups[0].rules;
  const claims = '{persistentvolumeclaim=~"^cache-volume-registry-.+$"}';
  const free = `100 * kubelet_volume_stats_available_bytes${claims} / kubelet_volume_stats_capacity_bytes${claims}`;
  assert.equal(critical?.expr, `${free} < 5`);
  assert.equal(
    inFourDays?.expr,
    `${free} < 15 and predict_linear(kubelet_volume_stats_available_bytes${claims}[30m], 345600) <= 0`,
  );
});
