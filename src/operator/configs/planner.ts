import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';
import type { Finalizer } from '../../kube/objects/finalizers.ts';
import type { Watched } from '../cluster/watched.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import { makePlan, type Plan } from './plan.ts';
import { readConfig, type ConfigObject, type ParsedSpec } from './read-config.ts';
import type { TakenView } from './taken-view.ts';

export interface Planner {
  /** The plan for the current objects. */
  plan(): Plan;
  specOf(object: ConfigObject): ParsedSpec;
  objects(): readonly ConfigObject[];
  /** Calls `handler` when an object appears, disappears or changes its spec, but not when its status changes. */
  onChange(handler: (before: ConfigObject | undefined, after: ConfigObject | undefined) => void): void;
  /** Keys of the caches that a change of `object` may affect: its own, and those that are or were contended. */
  keysTouchedBy(object: ConfigObject): Iterable<string>;
}

export interface PlannerDeps {
  readonly watched: Pick<Watched, 'registryConfigs' | 'mirrorConfigs' | 'statefulSets' | 'configMaps'>;
  readonly finalizer: Pick<Finalizer, 'isOn'>;
  readonly existingUpstreams: (id: ConfigId) => readonly string[];
  readonly lastValid: (id: ConfigId) => readonly CacheConfig[];
  readonly taken: TakenView;
}

/** Keeps the plan, and makes a new one after an object or the list of taken upstreams has changed. */
export function createPlanner({
  watched,
  finalizer,
  existingUpstreams,
  lastValid,
  taken,
}: PlannerDeps): Planner {
  const stores: readonly ObjectStore<ConfigObject>[] = [watched.registryConfigs, watched.mirrorConfigs];
  const specs = new WeakMap<ConfigObject, ParsedSpec>();
  let current: Plan | undefined;
  /** Contended keys of the previous plan. Some of them may be free now. */
  let contendedBefore: ReadonlySet<string> = new Set();

  const objects = (): readonly ConfigObject[] => stores.flatMap((store) => store.list());
  const specOf = (object: ConfigObject): ParsedSpec => {
    const spec = specs.get(object) ?? readConfig(object);
    specs.set(object, spec);
    return spec;
  };
  const discard = (): void => {
    contendedBefore = current?.contended ?? contendedBefore;
    current = undefined;
  };
  for (const store of stores) {
    store.onChange((before, after) => {
      // A status change keeps the plan. A spec change discards it.
      if (!isSameSpec(before, after)) discard();
    });
  }
  // An invalid object keeps its existing caches, as their ConfigMaps configure them. The node document is a ConfigMap, too.
  watched.statefulSets.onChange((before, after) => {
    if (before === undefined || after === undefined) discard();
  });
  watched.configMaps.onChange(discard);
  taken.onChange(discard);

  function plan(): Plan {
    current ??= makePlan({
      objects: objects(),
      specOf,
      existingUpstreams,
      lastValid,
      mayAct,
      taken: taken.get(),
    });
    return current;
  }

  /**
   * The finalizer is added before anything is created. An object without it that has existing upstreams lost it, for example by
   * `kubectl replace`. The finalizer is put back, and its caches stay meanwhile.
   */
  function mayAct(object: ConfigObject): boolean {
    if (object.metadata.deletionTimestamp !== undefined) return false;
    return finalizer.isOn(object) || existingUpstreams(configId(object)).length > 0;
  }

  return {
    plan,
    specOf,
    objects,
    onChange(handler) {
      for (const store of stores) {
        store.onChange((before, after) => {
          if (!isSameSpec(before, after)) handler(before, after);
        });
      }
    },
    *keysTouchedBy(object) {
      const spec = specOf(object);
      if (spec.kind === 'caches')
        for (const { upstream } of spec.caches) yield upstreamResourceName(upstream);
      if (spec.kind === 'mirrors')
        for (const { upstream } of spec.mirrors) yield upstreamResourceName(upstream);
      for (const upstream of existingUpstreams(configId(object))) yield upstreamResourceName(upstream);
      yield* contendedBefore.union(plan().contended);
    },
  };
}

/** Compares everything that a plan depends on. */
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
