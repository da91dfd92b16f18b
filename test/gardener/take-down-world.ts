/**
 * A shoot with replication, in memory, for tests of its take-down: objects of caches and of users, and the parts of the control plane that act
 * meanwhile. Those are gardener-resource-manager for the two ManagedResources, the garbage collector, and the protection of claims. No kubelet.
 */
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { LEASES } from '../../src/kube/leader-election/lease.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { find } from '../../src/kube/objects/find.ts';
import type { KubeClient, KubeObject, Resource } from '../../src/kube/types.ts';
import { nodeLease } from '../../src/fleet/node-lease.ts';
import { FINALIZER, MANAGED_BY } from '../../src/operator/cluster/marks.ts';
import {
  MIRROR_CONFIGS,
  NODES,
  PODS,
  REGISTRY_CONFIGS,
  SECRETS,
  SERVICES,
  STATEFUL_SETS,
  VOLUME_CLAIMS,
} from '../../src/operator/cluster/resources.ts';
import {
  MANAGED_RESOURCES,
  shootManagedResource,
} from '../../src/gardener/managed-resources/managed-resource.ts';
import { LARDER_NAMESPACE } from '../../src/gardener/caches/shoot-names.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from '../../src/gardener/replication/shoot-place.ts';
import { takeDown } from '../../src/gardener/replication/take-down.ts';
import { createMemoryKube, type KubeRequest } from '../kube/memory-kube.ts';

export const NAMESPACE = 'shoot--p--one';
export const OTHER_FINALIZER = 'example.com/other';
/** Stands for a kubelet that has not confirmed the end of a pod. */
const KUBELET = 'test/kubelet';
const IN_USE = 'kubernetes.io/pvc-protection';
const GRM = 'resources.gardener.cloud/gardener-resource-manager';

const { signal: ever } = new AbortController();

export interface WorldContent {
  /** Namespaces of users, each with a RegistryConfig; those of `mirrors` with a MirrorConfig. */
  readonly configs: readonly string[];
  readonly mirrors: readonly string[];
  readonly caches: readonly string[];
  /** Nodes that exist, and nodes of which only a Lease is left. All use caches. */
  readonly nodes: readonly string[];
  readonly goneNodes: readonly string[];
}

export type TakeDownWorld = Awaited<ReturnType<typeof createTakeDownWorld>>;

export async function createTakeDownWorld(content: WorldContent) {
  const clock = new ManualClock();
  const seedKube = createMemoryKube(clock);
  const shootKube = createMemoryKube(clock);
  const seed = seedKube.client({ manager: 'control plane' });
  const shoot = shootKube.client({ manager: 'control plane' });
  const stuck = new Set<string>();
  const put = (resource: Resource, metadata: KubeObject['metadata'], more: object = {}) =>
    shoot.create(resource, objectOf(resource, metadata, more), { signal: ever });

  for (const name of [OPERATOR_COMPONENT, SHOOT_COMPONENT]) {
    const resource = shootManagedResource({ namespace: NAMESPACE, name }, `${name}-1`, {});
    const metadata = { ...resource.metadata, finalizers: [GRM] };
    await seed.create(MANAGED_RESOURCES, { ...resource, metadata }, { signal: ever });
  }
  await put(CONFIG_MAPS, ours('larder-nodes'), { data: { 'nodes.json': 'used' } });
  await put(CONFIG_MAPS, { namespace: LARDER_NAMESPACE, name: 'of-the-owner' });
  for (const name of content.caches) {
    await put(STATEFUL_SETS, ours(name));
    for (const resource of [SERVICES, SECRETS]) await put(resource, ours(name));
    await put(PODS, { ...ours(`${name}-0`), finalizers: [KUBELET] });
    await put(VOLUME_CLAIMS, { ...ours(`cache-volume-${name}-0`), finalizers: [IN_USE] });
  }
  for (const name of content.nodes) await put(NODES, { name });
  for (const node of [...content.nodes, ...content.goneNodes]) await report(node, ['docker.io']);
  const status = { observedGeneration: 1 };
  for (const namespace of content.configs) {
    const metadata = { namespace, name: 'secret-name', finalizers: [OTHER_FINALIZER, FINALIZER] };
    await put(REGISTRY_CONFIGS, metadata, { status });
  }
  for (const namespace of content.mirrors)
    await put(MIRROR_CONFIGS, { namespace, name: 'secret-name', finalizers: [FINALIZER] }, { status });

  async function report(node: string, upstreams: readonly string[]): Promise<void> {
    const state = { state: 'Ready', message: '' } as const;
    const lease = nodeLease(
      {
        node,
        renewedAt: clock.now(),
        status: {
          revision: '',
          containerd: { state: 'Set', message: '' },
          upstreams: upstreams.map((upstream) => ({ upstream, ...state })),
        },
      },
      LARDER_NAMESPACE,
      undefined,
    );
    await shoot.apply(LEASES, lease, { fieldManager: 'agent', force: true, signal: ever });
  }

  async function without(resource: Resource, object: KubeObject, name: string): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((one) => one !== name);
    const client = resource === MANAGED_RESOURCES ? seed : shoot;
    await client.mergePatch(resource, object.metadata, { metadata: { finalizers } }, { signal: ever });
  }

  /** One turn of the control plane. */
  async function turn(): Promise<void> {
    const pods = (await shoot.list(PODS, {}, { signal: ever })).items;
    for (const pod of pods) {
      const set = { ...pod.metadata, name: pod.metadata.name.slice(0, -2) };
      const isOrphan = (await find(shoot, STATEFUL_SETS, set, ever)) === undefined;
      if (!isOrphan) continue;
      if (pod.metadata.deletionTimestamp === undefined)
        await shoot.delete(PODS, pod.metadata, { signal: ever });
      // A kubelet confirms the end of its pods.
      else if (content.nodes.length > 0) await without(PODS, pod, KUBELET);
    }
    for (const claim of (await shoot.list(VOLUME_CLAIMS, {}, { signal: ever })).items) {
      const pod = { ...claim.metadata, name: claim.metadata.name.slice('cache-volume-'.length) };
      const isUsed = (await find(shoot, PODS, pod, ever)) !== undefined;
      if (claim.metadata.deletionTimestamp !== undefined && !isUsed && !stuck.has('claims'))
        await without(VOLUME_CLAIMS, claim, IN_USE);
    }
    for (const resource of (await seed.list(MANAGED_RESOURCES, {}, { signal: ever })).items)
      if (resource.metadata.deletionTimestamp !== undefined && !stuck.has(resource.metadata.name))
        await without(MANAGED_RESOURCES, resource, GRM);
  }

  /** Takes all down with clients that `wrap` may change. Time runs a second after each turn of the control plane. */
  async function run(
    wrap: (client: KubeClient, of: 'seed' | 'shoot') => KubeClient = (client) => client,
    onTurn: (second: number) => Promise<void> = async () => {},
  ): Promise<{ readonly error?: unknown; readonly seconds: number }> {
    const clients = {
      seed: wrap(watchless(seedKube.client({ manager: 'extension' })), 'seed'),
      shoot: wrap(forcing(watchless(shootKube.client({ manager: 'extension' }))), 'shoot'),
    };
    const began = clock.now();
    let ended: { readonly error?: unknown } | undefined;
    const deps = { ...clients, clock, logger: silentLogger };
    const running = takeDown(deps, { namespace: NAMESPACE }, ever).then(
      () => (ended = {}),
      (error: unknown) => (ended = { error }),
    );
    for (;;) {
      await Promise.race([running, new Promise((resolve) => setImmediate(resolve))]);
      if (ended !== undefined) break;
      if (clock.pending < 2) continue;
      await turn();
      await onTurn((clock.now() - began) / 1000);
      clock.advance(1000);
    }
    return { ...ended, seconds: (clock.now() - began) / 1000 };
  }

  /** Deletes pods at once, as a server does with a grace of 0. */
  function forcing(client: KubeClient): KubeClient {
    return {
      ...client,
      async delete(resource, key, options) {
        const pod = resource.plural === PODS.plural && (await find(shoot, PODS, key, ever));
        if (pod && options.gracePeriodSeconds === 0) await without(PODS, pod, KUBELET);
        else await client.delete(resource, key, options);
      },
    };
  }

  return {
    run,
    report,
    stuck,
    seed,
    shoot,
    clock,
    /** Requests of the extension, without those of the control plane. */
    requests: (of: 'seed' | 'shoot'): KubeRequest[] =>
      (of === 'seed' ? seedKube : shootKube).requests.filter(({ manager }) => manager === 'extension'),
    /** All that is left: names by kind, and finalizers and status of users' objects. */
    async left() {
      const names = async (resource: Resource, client = shoot): Promise<string[]> =>
        (await client.list(resource, {}, { signal: ever })).items.map(({ metadata }) => metadata.name);
      const kinds = [STATEFUL_SETS, SERVICES, SECRETS, PODS, VOLUME_CLAIMS, CONFIG_MAPS];
      const objects = await Promise.all(
        [REGISTRY_CONFIGS, MIRROR_CONFIGS].map((one) => shoot.list<KubeObject>(one, {}, { signal: ever })),
      );
      return {
        managedResources: await names(MANAGED_RESOURCES, seed),
        ours: (await Promise.all(kinds.map((kind) => names(kind)))).flat(),
        objects: objects.flatMap(({ items }) =>
          items.map((item) => [item.metadata.finalizers, (item as { status?: unknown }).status]),
        ),
      };
    },
  };
}

function ours(name: string): KubeObject['metadata'] {
  return { namespace: LARDER_NAMESPACE, name, labels: MANAGED_BY };
}

function objectOf({ group, version, kind }: Resource, metadata: KubeObject['metadata'], more: object) {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata, ...more };
}

function watchless(client: Omit<KubeClient, 'watch'>): KubeClient {
  return {
    ...client,
    watch() {
      throw new Error('nothing watches here');
    },
  };
}
