import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { LARDER_NAMESPACE, SHOOT_NAMESPACE } from '../caches/shoot-names.ts';
import { dashboard } from './dashboard.ts';
import { ALERTS, RECORDINGS } from './rules.ts';
import { scrapeConfigSpec } from './scrape-config.ts';

type ObjectWithSpec = KubeObject & { readonly spec: object };

/** Rules of Prometheus (prometheus-operator v0.92). */
export const PROMETHEUS_RULES: Resource<ObjectWithSpec> = monitoringResource('PrometheusRule', 'v1');
/** Targets of Prometheus (prometheus-operator v0.92). */
export const SCRAPE_CONFIGS: Resource<ObjectWithSpec> = monitoringResource('ScrapeConfig', 'v1alpha1');

/** One object in the seed, and the kind that it is of. */
export interface MonitoringObject {
  readonly resource: Resource;
  readonly object: KubeObject;
}

const COMPONENT = { component: 'registry-cache' } as const;
const CONFIG_NAME = 'shoot-registry-cache';

export interface MonitoringOptions {
  /** True: the shoot may have caches of `RegistryConfig` objects, in a namespace of their own. */
  readonly isReplicated: boolean;
}

/**
 * Renders what the monitoring of a shoot gets for its caches: dashboard, alerts, targets. `namespace` is that of the shoot in the seed. The same
 * objects serve every number of caches.
 */
export function monitoringObjects(
  namespace: string,
  { isReplicated }: MonitoringOptions = { isReplicated: false },
): readonly MonitoringObject[] {
  const targets = isReplicated ? [SHOOT_NAMESPACE, LARDER_NAMESPACE] : [SHOOT_NAMESPACE];
  const dashboards: ConfigMap = {
    apiVersion: 'v1',
    kind: CONFIG_MAPS.kind,
    metadata: {
      name: 'registry-cache-dashboards',
      namespace,
      labels: { ...COMPONENT, 'dashboard.monitoring.gardener.cloud/shoot': 'true' },
    },
    data: { 'registry-cache.dashboard.json': `${JSON.stringify(dashboard(), undefined, 2)}\n` },
  };
  const forPrometheus = (resource: Resource, spec: object): MonitoringObject => ({
    resource,
    object: {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { name: CONFIG_NAME, namespace, labels: { ...COMPONENT, prometheus: 'shoot' } },
      spec,
    } as KubeObject,
  });
  return [
    { resource: CONFIG_MAPS, object: dashboards },
    forPrometheus(PROMETHEUS_RULES, {
      groups: [{ name: 'registry-cache.rules', rules: [...ALERTS, ...RECORDINGS] }],
    }),
    forPrometheus(SCRAPE_CONFIGS, scrapeConfigSpec(targets)),
  ];
}

function monitoringResource(kind: string, version: string): Resource<ObjectWithSpec> {
  return {
    group: 'monitoring.coreos.com',
    version,
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: true,
  };
}
