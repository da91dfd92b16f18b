import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { CacheEntryStatus, RegistryConfigStatus } from '../../api/status/registry-config-status.ts';
import { formatBytes } from '../../kit/quantity.ts';
import type { Observation } from '../../kube/objects/conditions.ts';
import type { Conflict } from '../configs/upstream-claims.ts';
import type { ParsedSpec, ConfigObject } from '../configs/read-config.ts';
import type { RegistryConfigObject } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import type { CacheView } from './cache-view.ts';
import { conflictFindings } from './conflict-findings.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { nodesText, roundForStatus } from './numbers.ts';
import { findingsOfObject, observationOf } from './object-findings.ts';

export interface RegistryConfigInput {
  readonly object: RegistryConfigObject;
  readonly spec: ParsedSpec;
  readonly conflicts: readonly Conflict[];
  /** Why its upstreams, or their last change, cannot be published to nodes, a sentence each. */
  readonly nodeProblems: readonly string[];
  /** The views of the upstreams that it owns, with the statistics of their caches. */
  readonly views: ReadonlyMap<string, CacheView & { readonly stats: CacheStats | undefined }>;
  /** Upstreams that still have a cache or an entry in the node document; undefined unless the object is being deleted. */
  readonly removing: readonly string[] | undefined;
  readonly now: number;
}

/** Computes the whole status of a `RegistryConfig` from what is known now. Only times and the last errors come from the previous status. */
export function registryConfigStatus(input: RegistryConfigInput): RegistryConfigStatus {
  const { object, spec, conflicts, views, removing, now } = input;
  const before = object.status ?? {};
  const upstreams = spec.kind === 'caches' ? spec.caches.map(({ upstream }) => upstream) : (removing ?? []);
  const caches = upstreams.map((upstream) => {
    if (removing !== undefined) return { upstream, state: 'Removing' as const };
    return views.get(upstream)?.status ?? { upstream, state: 'Unused' as const };
  });
  const findings: Finding[] = [
    ...findingsOfObject(spec, removing, input.nodeProblems),
    ...conflictFindings(object, conflicts, spec.kind === 'caches' ? spec.caches.length : 0),
    ...(removing === undefined ? [...views.values()].flatMap((view) => view.findings) : []),
  ];
  // The caches of the previous, valid spec still exist.
  const kept =
    spec.kind === 'invalid' && removing === undefined
      ? (before.caches ?? []).map((cache) => views.get(cache.upstream)?.status ?? cache)
      : caches;
  const observation: Observation = observationOf(object, now);
  return {
    ...(observation.generation !== undefined && { observedGeneration: observation.generation }),
    conditions: conditionsOf(findings, before.conditions ?? [], observation),
    caches: [...kept],
    summary: summaryOf(
      kept,
      [...views.values()].flatMap(({ stats }) => stats ?? []),
    ),
  };
}

/** The entry of the cache `key` in the status of `object`; undefined if there is none. */
export function cacheEntryOf(object: ConfigObject, key: string): CacheEntryStatus | undefined {
  if (object.kind === 'MirrorConfig') return undefined;
  const { status } = object as RegistryConfigObject;
  return status?.caches?.find(({ upstream }) => upstreamResourceName(upstream) === key);
}

function summaryOf(
  caches: NonNullable<RegistryConfigStatus['caches']>,
  stats: readonly CacheStats[],
): NonNullable<RegistryConfigStatus['summary']> {
  const serving = caches.filter(({ state }) => state === 'Serving').length;
  const requests = sum(stats.map((one) => one.requests));
  const hits = sum(stats.map((one) => one.hits));
  return {
    caches: `${serving}/${caches.length}`,
    nodes: nodesText(caches.flatMap(({ nodes }) => nodes ?? [])),
    ...(requests > 0 && { hits: `${Math.floor((100 * hits) / requests)}%` }),
    ...(stats.length > 0 && {
      saved: formatBytes(roundForStatus(sum(stats.map((one) => one.bytesFromStore)))),
    }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
