import { NODES_CONFIG_MAP } from '../fleet/nodes-config-map.ts';
import { createObjectSource, type KeySource } from '../kube/controller/key-source.ts';
import type { KubeObject } from '../kube/types.ts';
import { AUTHORITY_SECRET, type AuthorityKeeper } from './authority/authority-keeper.ts';
import type { CacheStates } from './caches/cache-states.ts';
import type { ServiceMonitorKind } from './caches/service-monitors.ts';
import { configId } from './cluster/config-id.ts';
import { hasSameStatus } from './cluster/node-report.ts';
import { cacheKeysOf } from './cluster/cache-key.ts';
import type { Watched } from './cluster/watched.ts';
import type { Planner } from './configs/planner.ts';
import type { TakenView } from './configs/taken-view.ts';
import type { NodeProblems } from './nodes/node-problems.ts';
import { NODES } from './nodes/nodes-reconciler.ts';
import type { PublishedDocument } from './nodes/published-document.ts';
import { ownerOf } from './ownership/existing-objects.ts';
import { secretNames } from './render/secret-object.ts';
import { REPORT } from './status/report-reconciler.ts';
import type { TrustedCaView } from './secrets/trusted-ca.ts';
import type { StatsPoller } from './status/stats-poller.ts';

export interface TriggersDeps {
  readonly watched: Watched;
  readonly planner: Planner;
  readonly authority: AuthorityKeeper;
  readonly states: CacheStates;
  readonly stats: StatsPoller;
  readonly serviceMonitors: ServiceMonitorKind;
  readonly published: PublishedDocument;
  readonly nodeProblems: NodeProblems;
  readonly taken: TakenView;
  readonly trustedCa: TrustedCaView;
}

/** The key sources of each controller: a source for everything that its reconcile reads, and for nothing else. */
export function createTriggers(deps: TriggersDeps, { namespace }: { readonly namespace: string }) {
  return {
    authority: authorityTriggers(deps, namespace),
    caches: cacheTriggers(deps, namespace),
    nodes: nodeTriggers(deps, namespace),
    objects: objectTriggers(deps),
    report: [reportTrigger(deps)],
  };
}

/** The numbers are looked at every few seconds. A revision that nodes no longer follow has to go at once. */
function reportTrigger({ watched, taken, published }: TriggersDeps): KeySource {
  return sourceOf(watched, (handler) => {
    handler(REPORT);
    taken.onChange(() => handler(REPORT));
    published.onChange(() => handler(REPORT));
  });
}

function authorityTriggers({ watched }: TriggersDeps, namespace: string): KeySource[] {
  return [
    // Once at the start, whether or not the Secret exists.
    sourceOf(watched, (handler) => handler(AUTHORITY_SECRET)),
    createObjectSource(watched.secrets, ({ metadata }) =>
      metadata.namespace === namespace && metadata.name === AUTHORITY_SECRET ? [AUTHORITY_SECRET] : [],
    ),
  ];
}

function cacheTriggers(deps: TriggersDeps, namespace: string): KeySource[] {
  const { watched, planner, authority, serviceMonitors, taken, trustedCa } = deps;
  const allCaches = (): Iterable<string> =>
    new Set([...planner.plan().caches.keys(), ...watched.statefulSets.list().flatMap(cacheKeysOf)]);
  return [
    sourceOf(watched, (handler) =>
      planner.onChange((before, after) => {
        for (const object of [before, after]) {
          if (object !== undefined) for (const key of planner.keysTouchedBy(object)) handler(key);
        }
      }),
    ),
    ...[
      watched.statefulSets,
      watched.services,
      watched.configMaps,
      watched.networkPolicies,
      watched.disruptionBudgets,
      watched.volumeClaims,
      watched.pods,
    ].map((store) => createObjectSource<KubeObject>(store, cacheKeysOf)),
    createObjectSource(watched.secrets, (secret) => [
      ...(secret.metadata.namespace === namespace ? cacheKeysOf(secret) : []),
      ...cachesNaming(secret, planner),
    ]),
    sourceOf(watched, (handler) => {
      for (const view of [taken, trustedCa]) view.onChange(() => [...allCaches()].forEach(handler));
    }),
    authority.changes(allCaches),
    serviceMonitors.arrivals(allCaches),
  ];
}

/** Keys of the caches whose configuration names `secret`. */
function* cachesNaming({ metadata: { namespace, name } }: KubeObject, planner: Planner): Generator<string> {
  for (const { key, config, owner } of planner.plan().caches.values()) {
    if (owner.metadata.namespace === namespace && secretNames(config).includes(name)) yield key;
  }
}

function nodeTriggers({ watched, planner, authority, taken }: TriggersDeps, namespace: string): KeySource[] {
  return [
    sourceOf(watched, (handler) => {
      planner.onChange(() => handler(NODES));
      taken.onChange(() => handler(NODES));
    }),
    createObjectSource(watched.services, () => [NODES]),
    createObjectSource(watched.configMaps, ({ metadata }) =>
      metadata.name === NODES_CONFIG_MAP ? [NODES] : [],
    ),
    createObjectSource(watched.secrets, (secret) => {
      const { mirrors } = planner.plan();
      const mayBeBundle = mirrors.some(({ owner }) => owner.metadata.namespace === secret.metadata.namespace);
      const isOfCache = secret.metadata.namespace === namespace && cacheKeysOf(secret).length > 0;
      return mayBeBundle || isOfCache ? [NODES] : [];
    }),
    authority.changes(() => [NODES]),
  ];
}

function objectTriggers(deps: TriggersDeps): KeySource[] {
  const { watched, planner, states, stats, published, nodeProblems, taken } = deps;
  const allObjects = (): string[] => planner.objects().map(configId);
  const ownerIdOf = (key: string): string[] => {
    const owner = planner.plan().caches.get(key)?.owner;
    return owner === undefined ? [] : [configId(owner)];
  };
  return [
    sourceOf(watched, (handler) => {
      planner.onChange(() => allObjects().forEach(handler));
      taken.onChange(() => allObjects().forEach(handler));
      // A change of the status alone counts as well: another program may have written it.
      for (const store of [watched.registryConfigs, watched.mirrorConfigs])
        store.onChange((_before, after) => after !== undefined && handler(configId(after)));
      states.onChange((key) => ownerIdOf(key).forEach(handler));
      stats.onChange((key) => ownerIdOf(key).forEach(handler));
      published.onChange(() => allObjects().forEach(handler));
      nodeProblems.onChange(() => allObjects().forEach(handler));
      watched.reports.onChange((before, after) => {
        if (!hasSameStatus(before, after)) allObjects().forEach(handler);
      });
      watched.daemonSets.onChange(() => allObjects().forEach(handler));
    }),
    ...[watched.statefulSets, watched.services].map((store) =>
      createObjectSource<KubeObject>(store, (object) => ownerOf(object) ?? []),
    ),
    ...[watched.pods, watched.volumeClaims].map((store) =>
      createObjectSource<KubeObject>(store, (object) => cacheKeysOf(object).flatMap(ownerIdOf)),
    ),
    createObjectSource(watched.configMaps, ({ metadata }) =>
      metadata.name === NODES_CONFIG_MAP ? allObjects() : [],
    ),
    createObjectSource(watched.secrets, (secret) =>
      planner
        .objects()
        .filter(
          ({ kind, metadata }) => kind === 'MirrorConfig' && metadata.namespace === secret.metadata.namespace,
        )
        .map(configId),
    ),
  ];
}

/** A source that calls `listen` itself, and has synced once all of `watched` has. */
function sourceOf(watched: Watched, listen: (handler: (key: string) => void) => void): KeySource {
  return { onChange: listen, whenSynced: (signal) => watched.whenSynced(signal) };
}
