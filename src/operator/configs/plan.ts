import type { UpstreamMirrors } from '../../api/mirror-config/effective.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { serviceNameOf } from '../render/cache-names.ts';
import { resolveClaims, type Conflict, type OwnerCandidate, type UpstreamClaim } from './upstream-claims.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import type { ConfigObject, ParsedSpec } from './read-config.ts';
import { NOTHING_TAKEN, type Taken } from './taken-view.ts';

/** A cache that should exist. */
export interface PlannedCache {
  /** Name of its objects, and its key in the queue of the controller. */
  readonly key: string;
  readonly config: CacheConfig;
  readonly owner: ConfigObject;
}

export interface PlannedMirrors {
  readonly mirrors: UpstreamMirrors;
  readonly owner: ConfigObject;
}

/** Everything that all objects together ask for, after each upstream has got its owner (decision 0007). */
export interface Plan {
  readonly caches: ReadonlyMap<string, PlannedCache>;
  readonly mirrors: readonly PlannedMirrors[];
  cachesOf(id: ConfigId): readonly PlannedCache[];
  conflictsOf(object: ConfigObject): readonly Conflict[];
  /** True for an object whose spec breaks a rule and that is not being deleted. It keeps its existing upstreams. */
  isInvalid(id: ConfigId): boolean;
  /** Keys of the caches that more than one object claims, or that are taken. */
  readonly contended: ReadonlySet<string>;
  /** Upstreams that no object can have. */
  readonly taken: ReadonlySet<string>;
  /** Reason why nothing may be created or removed by this plan. */
  readonly problem: string | undefined;
}

export interface PlanInput {
  readonly objects: readonly ConfigObject[];
  readonly specOf: (object: ConfigObject) => ParsedSpec;
  /** Upstreams the object already serves. It keeps them while its spec is invalid. */
  readonly existingUpstreams: (id: ConfigId) => readonly string[];
  /** Caches from the last valid spec of an object. They stay unchanged while its spec is invalid. */
  readonly lastValid: (id: ConfigId) => readonly CacheConfig[];
  /** False for an object that must not be acted for: it has no finalizer yet, or is being deleted. */
  readonly mayAct: (object: ConfigObject) => boolean;
  /** Default: nothing is taken. */
  readonly taken?: Taken;
}

export function makePlan({
  objects,
  specOf,
  existingUpstreams,
  lastValid,
  mayAct,
  taken = NOTHING_TAKEN,
}: PlanInput): Plan {
  const entries = objects.map((object): Entry => {
    const spec = specOf(object);
    const keptCaches = spec.kind === 'invalid' ? lastValid(configId(object)) : [];
    return { object, spec, caches: spec.kind === 'caches' ? spec.caches : keptCaches };
  });
  // Keyed by id, because a caller may hold a version of the object with a newer status than the plan was made from.
  const candidates = new Map(
    entries.map((entry) => [configId(entry.object), candidateOf(entry, existingUpstreams)]),
  );
  const resolved = resolveClaims([...candidates.values()], taken.upstreams);
  const conflictsOf = (object: ConfigObject): readonly Conflict[] => {
    const candidate = candidates.get(configId(object));
    return candidate === undefined ? [] : resolved.conflicts(candidate);
  };

  const caches = new Map<string, PlannedCache>();
  const mirrors: PlannedMirrors[] = [];
  const invalid = new Set<ConfigId>();
  const contended = new Set<string>();
  for (const { object: owner, spec, caches: wanted } of entries) {
    const granted = new Set(resolved.granted(candidates.get(configId(owner)) as OwnerCandidate));
    for (const { upstream } of conflictsOf(owner)) contended.add(upstreamResourceName(upstream));
    if (!mayAct(owner)) continue;
    if (spec.kind === 'invalid') invalid.add(configId(owner));
    if (spec.kind === 'mirrors') {
      for (const one of spec.mirrors) if (granted.has(one.upstream)) mirrors.push({ mirrors: one, owner });
    }
    for (const config of wanted) {
      const key = upstreamResourceName(config.upstream);
      if (granted.has(config.upstream)) caches.set(key, { key, config, owner });
    }
  }
  return {
    caches,
    mirrors,
    cachesOf: (id) => [...caches.values()].filter(({ owner }) => configId(owner) === id),
    conflictsOf,
    isInvalid: (id) => invalid.has(id),
    contended,
    taken: taken.upstreams,
    problem: taken.problem,
  };
}

interface Entry {
  readonly object: ConfigObject;
  readonly spec: ParsedSpec;
  /** Those of a valid spec, or of the last valid one. */
  readonly caches: readonly CacheConfig[];
}

function candidateOf(entry: Entry, existingUpstreams: PlanInput['existingUpstreams']): OwnerCandidate {
  const { object } = entry;
  const { namespace = '', name, creationTimestamp = '' } = object.metadata;
  return {
    kind: object.kind === 'MirrorConfig' ? 'MirrorConfig' : 'RegistryConfig',
    namespace,
    name,
    createdAt: creationTimestamp,
    claims: claimsOf(entry, () => existingUpstreams(configId(object))),
  };
}

function claimsOf(
  { spec, caches }: Entry,
  existingUpstreams: () => readonly string[],
): readonly UpstreamClaim[] {
  const claims = caches.map((cache) => ({
    upstream: cache.upstream,
    names: [...new Set([upstreamResourceName(cache.upstream), serviceNameOf(cache)])],
  }));
  switch (spec.kind) {
    case 'caches':
      return claims;
    case 'mirrors':
      return spec.mirrors.map(({ upstream }) => ({ upstream, names: [] }));
    case 'invalid': {
      const known = new Set(caches.map(({ upstream }) => upstream));
      const others = existingUpstreams().filter((upstream) => !known.has(upstream));
      return [
        ...claims,
        ...others.map((upstream) => ({ upstream, names: [upstreamResourceName(upstream)] })),
      ];
    }
  }
}
