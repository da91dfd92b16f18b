import { type KeySource, createObjectSource } from '../kube/controller/key-source.ts';
import type { KubeObject } from '../kube/types.ts';
import { NODES_CONFIG_MAP } from '../fleet/nodes-config-map.ts';
import { AUTHORITY_SECRET, type AuthorityKeeper } from './authority/authority-keeper.ts';
import type { CacheStates } from './caches/cache-states.ts';
import type { ServiceMonitorKind } from './caches/service-monitors.ts';
import { askerOf } from './ownership/existing-objects.ts';
import { configId } from './cluster/config-id.ts';
import type { Planner } from './configs/planner.ts';
import type { NodeProblems } from './nodes/node-problems.ts';
import { saysTheSame } from './cluster/node-report.ts';
import { NODES } from './nodes/nodes-reconciler.ts';
import type { PublishedDocument } from './nodes/published-document.ts';
import { secretNames } from './render/secret-files.ts';
import type { StatsPoller } from './status/stats-poller.ts';
import { cacheKeysOf, type Watched } from './cluster/watched.ts';

export interface SourcesDeps {
  readonly watched: Watched;
  readonly planner: Planner;
  readonly authority: AuthorityKeeper;
  readonly facts: CacheStates;
  readonly stats: StatsPoller;
  readonly serviceMonitors: ServiceMonitorKind;
  readonly told: PublishedDocument;
  readonly nodeProblems: NodeProblems;
  readonly namespace: string;
}

/** What wakes each of the controllers: all that its reconcile reads, and no more. */
export function createTriggers(deps: SourcesDeps) {
  const { watched, planner, authority, facts, stats, serviceMonitors, told, nodeProblems, namespace } = deps;
  const whenSynced = (signal: AbortSignal): Promise<void> => watched.whenSynced(signal);

  const allCaches = (): Iterable<string> =>
    new Set([...planner.plan().caches.keys(), ...watched.statefulSets.list().flatMap(cacheKeysOf)]);
  const allObjects = (): string[] => planner.objects().map(configId);
  const holderOf = (key: string): string[] => {
    const holder = planner.plan().caches.get(key)?.holder;
    return holder === undefined ? [] : [configId(holder)];
  };
  const isOwn = ({ metadata }: KubeObject): boolean => metadata.namespace === namespace;

  /** Keys that follow from objects of all kinds that are watched, each in its way. */
  function source(listen: (handler: (key: string) => void) => void): KeySource {
    return { onChange: listen, whenSynced };
  }

  function* cachesNaming(secret: KubeObject): Generator<string> {
    for (const { key, config, holder } of planner.plan().caches.values()) {
      const isTheirs = holder.metadata.namespace === secret.metadata.namespace;
      if (isTheirs && secretNames(config).includes(secret.metadata.name)) yield key;
    }
  }

  const caches = [
    source((handler) =>
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
      watched.claims,
      watched.pods,
    ].map((cache) => createObjectSource<KubeObject>(cache, cacheKeysOf)),
    createObjectSource(watched.secrets, (secret) => [
      ...(isOwn(secret) ? cacheKeysOf(secret) : []),
      ...cachesNaming(secret),
    ]),
    authority.changes(allCaches),
    serviceMonitors.arrivals(allCaches),
  ];

  const nodes = [
    source((handler) => planner.onChange(() => handler(NODES))),
    createObjectSource(watched.services, () => [NODES]),
    createObjectSource(watched.configMaps, ({ metadata }) =>
      metadata.name === NODES_CONFIG_MAP ? [NODES] : [],
    ),
    createObjectSource(watched.secrets, (secret) => {
      const ofMirrors = planner
        .plan()
        .mirrors.some(({ holder }) => holder.metadata.namespace === secret.metadata.namespace);
      return ofMirrors || (isOwn(secret) && cacheKeysOf(secret).length > 0) ? [NODES] : [];
    }),
    authority.changes(() => [NODES]),
  ];

  const objects = [
    source((handler) => {
      planner.onChange(() => allObjects().forEach(handler));
      // Also of those whose status somebody else has written.
      for (const cache of [watched.registryConfigs, watched.mirrorConfigs])
        cache.onChange((_before, after) => after !== undefined && handler(configId(after)));
      facts.onChange((key) => holderOf(key).forEach(handler));
      stats.onChange((key) => holderOf(key).forEach(handler));
      told.onChange(() => allObjects().forEach(handler));
      nodeProblems.onChange(() => allObjects().forEach(handler));
      watched.reports.onChange((before, after) => {
        if (!saysTheSame(before, after)) allObjects().forEach(handler);
      });
      watched.daemonSets.onChange(() => allObjects().forEach(handler));
    }),
    ...[watched.statefulSets, watched.services].map((cache) =>
      createObjectSource<KubeObject>(cache, (object) => askerOf(object) ?? []),
    ),
    ...[watched.pods, watched.claims].map((cache) =>
      createObjectSource<KubeObject>(cache, (object) => cacheKeysOf(object).flatMap(holderOf)),
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

  const authorities = [
    // Once at the start, whether or not there is one.
    source((handler) => handler(AUTHORITY_SECRET)),
    createObjectSource(watched.secrets, (secret) =>
      isOwn(secret) && secret.metadata.name === AUTHORITY_SECRET ? [AUTHORITY_SECRET] : [],
    ),
  ];

  return { caches, nodes, objects, authorities };
}
