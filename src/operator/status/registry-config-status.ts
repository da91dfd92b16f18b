import type { RegistryConfigStatus } from '../../api/status/registry-config-status.ts';
import { formatBytes } from '../../kit/quantity.ts';
import type { Observation } from '../../kube/objects/conditions.ts';
import type { Conflict } from '../configs/upstream-claims.ts';
import type { ParsedSpec } from '../configs/read-config.ts';
import type { RegistryConfigObject } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import type { CacheView } from './cache-view.ts';
import { roundForStatus } from './round-for-status.ts';
import { conflictFindings } from './conflict-findings.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { findingsOfObject, nodesText, observationOf } from './object-findings.ts';

export interface RegistryConfigInput {
  readonly object: RegistryConfigObject;
  readonly asked: ParsedSpec;
  readonly conflicts: readonly Conflict[];
  /** Why nodes are not told of its upstreams, or not of their last change, a sentence each. */
  readonly nodeProblems: readonly string[];
  /** Of each upstream that it owns; with what its cache says of itself. */
  readonly views: ReadonlyMap<string, CacheView & { readonly stats: CacheStats | undefined }>;
  /** Upstreams of which something is left; undefined unless the object is being deleted. */
  readonly removing: readonly string[] | undefined;
  readonly now: number;
}

/** The whole status of a `RegistryConfig`, recomputed from what is known now; of what was before, only times and the last errors count. */
export function registryConfigStatus(input: RegistryConfigInput): RegistryConfigStatus {
  const { object, asked, conflicts, views, removing, now } = input;
  const before = object.status ?? {};
  const upstreams = asked.kind === 'caches' ? asked.caches.map(({ upstream }) => upstream) : (removing ?? []);
  const caches = upstreams.map((upstream) => {
    if (removing !== undefined) return { upstream, state: 'Removing' as const };
    return views.get(upstream)?.status ?? { upstream, state: 'Unused' as const };
  });
  const findings: Finding[] = [
    ...findingsOfObject(asked, removing, input.nodeProblems),
    ...conflictFindings(object, conflicts, asked.kind === 'caches' ? asked.caches.length : 0),
    ...(removing === undefined ? [...views.values()].flatMap((view) => view.findings) : []),
  ];
  // What was valid before is still there.
  const kept =
    asked.kind === 'invalid' && removing === undefined
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
