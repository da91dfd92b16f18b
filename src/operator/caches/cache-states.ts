import type { SpecId } from '../cluster/spec-id.ts';

/** What came of the last work on a cache, for the status of the object that asks for it. */
export interface KnownCacheState {
  /** The spec that the cache was last made to follow; undefined: none yet. */
  readonly madeFor: SpecId | undefined;
  /** The generation of the StatefulSet then: that which is watched may be older for a moment. */
  readonly setGeneration: number | undefined;
  /** What its volume held then, in bytes. */
  readonly volumeBytes: number | undefined;
  readonly endpoint: string | undefined;
  /** Credentials that cannot be used, a sentence each. */
  readonly missingSecrets: readonly string[];
  /** What is wrong with credentials that are used nevertheless, a sentence each. */
  readonly invalidSecrets: readonly string[];
  readonly caBundleProblem: string | undefined;
  /** Why the claim does not grow; undefined when it need not, or does. */
  readonly claimProblem: string | undefined;
  /** Why the objects of the cache are not as they should be; undefined when they are. */
  readonly problem: string | undefined;
}

/** Facts by the key of the cache. */
export interface CacheStates {
  get(key: string): KnownCacheState | undefined;
  set(key: string, facts: KnownCacheState | undefined): void;
  /** Tells of the key of each cache whose facts are others now. */
  onChange(handler: (key: string) => void): void;
}

export function createCacheStates(): CacheStates {
  const known = new Map<string, KnownCacheState>();
  const handlers = new Set<(key: string) => void>();
  return {
    get: (key) => known.get(key),
    set(key, facts) {
      if (JSON.stringify(known.get(key)) === JSON.stringify(facts)) return;
      if (facts === undefined) known.delete(key);
      else known.set(key, facts);
      for (const handler of handlers) handler(key);
    },
    onChange: (handler) => void handlers.add(handler),
  };
}
