import type { UpstreamMirrors } from '../../api/mirror-config/effective.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { serviceNameOf } from '../render/identity.ts';
import { resolveClaims, type Claim, type Claimant, type Conflict } from './upstream-claims.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import type { Asked, ConfigObject } from './read-config.ts';

/** A cache that should be there. */
export interface PlannedCache {
  /** The name of its objects, and the key by which it is worked on. */
  readonly key: string;
  readonly config: CacheConfig;
  readonly holder: ConfigObject;
}

export interface PlannedMirrors {
  readonly mirrors: UpstreamMirrors;
  readonly holder: ConfigObject;
}

/** What all objects together ask for, once it is settled who has which upstream (decision 0007). */
export interface Plan {
  readonly caches: ReadonlyMap<string, PlannedCache>;
  readonly mirrors: readonly PlannedMirrors[];
  cachesOf(id: ConfigId): readonly PlannedCache[];
  conflictsOf(object: ConfigObject): readonly Conflict[];
  /** True for an object whose spec breaks a rule, and that is not going: what it had before it did stays. */
  isInvalid(id: ConfigId): boolean;
  /** Keys of caches that somebody waits for. */
  readonly contended: ReadonlySet<string>;
}

export interface PlanInput {
  readonly objects: readonly ConfigObject[];
  readonly asked: (object: ConfigObject) => Asked;
  /** What an object has already, of which one with an invalid spec keeps hold. */
  readonly has: (id: ConfigId) => readonly string[];
  /** The caches that an object with an invalid spec asked for when it was valid: they are kept as they were then. */
  readonly lastValid: (id: ConfigId) => readonly CacheConfig[];
  /** False for objects that nothing may be done for: not yet, or not any more. */
  readonly mayAct: (object: ConfigObject) => boolean;
}

export function makePlan({ objects, asked, has, lastValid, mayAct }: PlanInput): Plan {
  const entries = objects.map((object) => {
    const own = asked(object);
    const caches = own.kind === 'invalid' ? lastValid(configId(object)) : [];
    return { object, asked: own, caches: own.kind === 'caches' ? own.caches : caches };
  });
  // By name: who asks may have an object with a newer status than the plan was made of.
  const claimants = new Map(entries.map((entry) => [configId(entry.object), claimantOf(entry, has)]));
  const grants = resolveClaims([...claimants.values()]);
  const conflictsOf = (object: ConfigObject): readonly Conflict[] => {
    const claimant = claimants.get(configId(object));
    return claimant === undefined ? [] : grants.conflicts(claimant);
  };

  const caches = new Map<string, PlannedCache>();
  const mirrors: PlannedMirrors[] = [];
  const invalid = new Set<ConfigId>();
  const contended = new Set<string>();
  for (const { object: holder, asked, caches: own } of entries) {
    const granted = new Set(grants.granted(claimants.get(configId(holder)) as Claimant));
    for (const { upstream } of conflictsOf(holder)) contended.add(upstreamResourceName(upstream));
    if (!mayAct(holder)) continue;
    if (asked.kind === 'invalid') invalid.add(configId(holder));
    if (asked.kind === 'mirrors') {
      for (const one of asked.mirrors) if (granted.has(one.upstream)) mirrors.push({ mirrors: one, holder });
    }
    for (const config of own) {
      const key = upstreamResourceName(config.upstream);
      if (granted.has(config.upstream)) caches.set(key, { key, config, holder });
    }
  }
  return {
    caches,
    mirrors,
    cachesOf: (id) => [...caches.values()].filter(({ holder }) => configId(holder) === id),
    conflictsOf,
    isInvalid: (id) => invalid.has(id),
    contended,
  };
}

interface Entry {
  readonly object: ConfigObject;
  readonly asked: Asked;
  readonly caches: readonly CacheConfig[];
}

function claimantOf(entry: Entry, has: PlanInput['has']): Claimant {
  const { object } = entry;
  const { namespace = '', name, creationTimestamp = '' } = object.metadata;
  return {
    kind: object.kind === 'MirrorConfig' ? 'MirrorConfig' : 'RegistryConfig',
    namespace,
    name,
    createdAt: creationTimestamp,
    claims: claimsOf(entry, () => has(configId(object))),
  };
}

function claimsOf({ asked, caches }: Entry, has: () => readonly string[]): readonly Claim[] {
  const claims = caches.map((cache) => ({
    upstream: cache.upstream,
    names: [...new Set([upstreamResourceName(cache.upstream), serviceNameOf(cache)])],
  }));
  switch (asked.kind) {
    case 'caches':
      return claims;
    case 'mirrors':
      return asked.mirrors.map(({ upstream }) => ({ upstream, names: [] }));
    case 'invalid': {
      const known = new Set(caches.map(({ upstream }) => upstream));
      const others = has().filter((upstream) => !known.has(upstream));
      return [
        ...claims,
        ...others.map((upstream) => ({ upstream, names: [upstreamResourceName(upstream)] })),
      ];
    }
  }
}
