/** The cache of one object, `hub`, and edits of its objects by hand. */
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { REGISTRY_CONFIGS } from '../../src/operator/cluster/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import { registryConfig, TEAM, type Held } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

/** Key of the cache of docker.io. */
export const KEY = 'registry-docker-io';
/** Annotations of its objects. */
export const OWNER = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/hub' };
/** Another spec of the object `hub`. */
export const LONGER = { caches: [{ upstream: 'docker.io', garbageCollection: { ttl: '24h' } }] };

/** A cluster with a cache that a node uses. */
export async function withCache(
  cache: { readonly upstream: string } = { upstream: 'docker.io' },
): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', cache));
  await cluster.until(() => cluster.document().caches.length === 1);
  cluster.report('n1', cluster.document().revision, cache.upstream);
  await cluster.pass(5_000);
  cleanup.move();
  return cluster;
}

/** Changes annotations by hand; undefined removes one. */
export function annotate(
  cluster: StandIn,
  resource: Resource,
  name: string,
  changes: Readonly<Record<string, string | undefined>>,
): void {
  const { metadata, ...rest } = cluster.get(resource, name) as Held;
  const annotations = JSON.parse(JSON.stringify({ ...metadata.annotations, ...changes })) as object;
  cluster.put(resource, { ...rest, metadata: { ...metadata, annotations } });
}

/** Removes our label by hand. */
export function unlabel(cluster: StandIn, resource: Resource, name: string): void {
  const { metadata, ...rest } = cluster.get(resource, name) as Held;
  const { 'app.kubernetes.io/managed-by': _, ...labels } = metadata.labels ?? {};
  cluster.put(resource, { ...rest, metadata: { ...metadata, labels } });
}

export const isLabelled = (cluster: StandIn, resource: Resource, name: string): boolean =>
  cluster.get(resource, name)?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'larder-operator';

/** True if `hub` is `Stuck` and the message names `what`. */
export const isStuck = (cluster: StandIn, what: string) => () =>
  cluster
    .get(REGISTRY_CONFIGS, 'hub', TEAM)
    ?.status?.conditions?.some((one) => one.reason === 'Stuck' && one.message.includes(what));

export const annotationsOf = (cluster: StandIn, resource: Resource, name: string) =>
  cluster.get(resource, name)?.metadata.annotations ?? {};

/** True if the annotations name the cache of docker.io of `hub`. */
export const isRight = (cluster: StandIn, resource: Resource, name: string) =>
  Object.entries(OWNER).every(([key, value]) => annotationsOf(cluster, resource, name)[key] === value);

export const configOf = (cluster: StandIn) =>
  cluster.get(CONFIG_MAPS, `${KEY}-config`)?.data?.['config.yaml'] ?? '';
