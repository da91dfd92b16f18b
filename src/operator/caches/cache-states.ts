import type { SpecId } from '../cluster/spec-id.ts';

/** Result of the last reconcile of a cache, for the status of its owner. */
export interface KnownCacheState {
  /** The spec applied last; undefined before the first time. */
  readonly appliedSpec: SpecId | undefined;
  /** Generation of the StatefulSet when it was applied. The watched StatefulSet may be older for a moment. */
  readonly appliedGeneration: number | undefined;
  /** Size of the volume in bytes, as the cache was configured with it. */
  readonly volumeBytes: number | undefined;
  readonly endpoint: string | undefined;
  /** Credentials that cannot be used, a sentence each. */
  readonly missingSecrets: readonly string[];
  /** Defects of credentials that are used nevertheless, a sentence each. */
  readonly invalidSecrets: readonly string[];
  readonly caBundleProblem: string | undefined;
  /** Why the volume cannot grow; undefined if it grows or is large enough. */
  readonly volumeProblem: string | undefined;
  /** Why the objects of the cache are not as planned; undefined if they are. */
  readonly problem: string | undefined;
}

/** The known states, by the key of the cache. */
export interface CacheStates {
  get(key: string): KnownCacheState | undefined;
  set(key: string, state: KnownCacheState | undefined): void;
  /** Changes only `problem`. */
  setProblem(key: string, problem: string): void;
  /** Calls `handler` with the key of each cache whose state has changed. */
  onChange(handler: (key: string) => void): void;
}

export function createCacheStates(): CacheStates {
  const known = new Map<string, KnownCacheState>();
  const handlers = new Set<(key: string) => void>();

  function set(key: string, state: KnownCacheState | undefined): void {
    if (JSON.stringify(known.get(key)) === JSON.stringify(state)) return;
    if (state === undefined) known.delete(key);
    else known.set(key, state);
    for (const handler of handlers) handler(key);
  }

  return {
    get: (key) => known.get(key),
    set,
    setProblem: (key, problem) => set(key, { ...(known.get(key) ?? NOTHING_KNOWN), problem }),
    onChange: (handler) => void handlers.add(handler),
  };
}

const NOTHING_KNOWN: KnownCacheState = {
  appliedSpec: undefined,
  appliedGeneration: undefined,
  volumeBytes: undefined,
  endpoint: undefined,
  missingSecrets: [],
  invalidSecrets: [],
  caBundleProblem: undefined,
  volumeProblem: undefined,
  problem: undefined,
};
