import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';
import type { Finalizer } from '../../kube/objects/finalizers.ts';
import type { Watched } from '../cluster/watched.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import { makePlan, type Plan } from './plan.ts';
import { readConfig, type Asked, type ConfigObject } from './read-config.ts';

export interface Planner {
  /** As the objects are now. */
  plan(): Plan;
  asked(object: ConfigObject): Asked;
  objects(): readonly ConfigObject[];
  /** Tells of each object that came, went, or asks for something else; not of a status. */
  onChange(handler: (before: ConfigObject | undefined, after: ConfigObject | undefined) => void): void;
  /** Keys of caches that a change of an object may concern: those that it asks for, and those that somebody waits for, or has waited for. */
  keysTouchedBy(object: ConfigObject): Iterable<string>;
}

export interface PlannerDeps {
  readonly watched: Pick<Watched, 'registryConfigs' | 'mirrorConfigs' | 'statefulSets' | 'configMaps'>;
  readonly finalizer: Pick<Finalizer, 'isOn'>;
  /** Upstreams of which something is there on behalf of an object. */
  readonly holdings: (id: ConfigId) => readonly string[];
  /** Caches of an object as they stand. */
  readonly lastValid: (id: ConfigId) => readonly CacheConfig[];
}

/** Keeps the plan, and makes it anew when an object has changed. */
export function createPlanner({ watched, finalizer, holdings, lastValid }: PlannerDeps): Planner {
  const caches: readonly ObjectStore<ConfigObject>[] = [watched.registryConfigs, watched.mirrorConfigs];
  const read = new WeakMap<ConfigObject, Asked>();
  let current: Plan | undefined;
  /** What somebody waited for before the last change: it may have become free. */
  let contendedBefore: ReadonlySet<string> = new Set();

  const objects = (): readonly ConfigObject[] => caches.flatMap((cache) => cache.list());
  const asked = (object: ConfigObject): Asked => {
    const known = read.get(object) ?? readConfig(object);
    read.set(object, known);
    return known;
  };
  const forget = (): void => {
    contendedBefore = current?.contended ?? contendedBefore;
    current = undefined;
  };
  for (const cache of caches) {
    cache.onChange((before, after) => {
      // The objects of a plan are compared with nothing: those of another status serve as well, but not of another spec.
      if (!isSameSpec(before, after)) forget();
    });
  }
  // What an object has decides what an invalid one keeps, and how; what nodes are told is in a ConfigMap, too.
  watched.statefulSets.onChange((before, after) => {
    if (before === undefined || after === undefined) forget();
  });
  watched.configMaps.onChange(forget);

  function plan(): Plan {
    current ??= makePlan({ objects: objects(), asked, has: holdings, lastValid, mayAct });
    return current;
  }

  /**
   * Before anything is made, the finalizer is on. Of an object that has something already somebody has taken it off, as `kubectl replace`
   * does: it is put back, and what was made stays meanwhile.
   */
  function mayAct(object: ConfigObject): boolean {
    if (object.metadata.deletionTimestamp !== undefined) return false;
    return finalizer.isOn(object) || holdings(configId(object)).length > 0;
  }

  return {
    plan,
    asked,
    objects,
    onChange(handler) {
      for (const cache of caches) {
        cache.onChange((before, after) => {
          if (!isSameSpec(before, after)) handler(before, after);
        });
      }
    },
    *keysTouchedBy(object) {
      const read = asked(object);
      if (read.kind === 'caches')
        for (const { upstream } of read.caches) yield upstreamResourceName(upstream);
      if (read.kind === 'mirrors')
        for (const { upstream } of read.mirrors) yield upstreamResourceName(upstream);
      for (const upstream of holdings(configId(object))) yield upstreamResourceName(upstream);
      yield* contendedBefore.union(plan().contended);
    },
  };
}

/** Everything that a plan is made of. */
function isSameSpec(before: ConfigObject | undefined, after: ConfigObject | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const [old, now] = [before.metadata, after.metadata];
  return (
    old.uid === now.uid &&
    old.generation === now.generation &&
    old.deletionTimestamp === now.deletionTimestamp &&
    old.finalizers?.join() === now.finalizers?.join()
  );
}
