import * as fc from 'fast-check';
import { factsOf } from '../../src/gardener/extensions/extension-facts.ts';
import { needsWork } from '../../src/gardener/extensions/filter.ts';
import { startExtensionWorld } from './extension-world.ts';
import { IN_CLUSTERS, IN_EXTENSIONS } from './gardenlet.ts';
import { startTroubledReplicas, TROUBLES, type Trouble } from './troubled-replicas.ts';

const SHOOT = 'shoot--p--s';
const TYPE = 'registry-cache';

/** One thing that gardenlet does. */
export type HistoryStep =
  | { readonly do: 'apply'; readonly items: readonly string[] }
  | {
      readonly do:
        | 'reconcile'
        | 'migrate'
        | 'restore'
        | 'delete'
        | 'fail'
        | 'retry'
        | 'take-cluster'
        | 'put-cluster';
    };

export interface History {
  readonly steps: readonly HistoryStep[];
  /** False: gardenlet waits for each step. True: it goes on at once after some. */
  readonly isHasty: boolean;
}

/** All that is left in the API server, and how often it was called. */
export interface HistoryEnd {
  readonly objects: readonly object[];
  readonly calls: number;
}

/** Plays `steps` with troubles at the calls of these numbers, and returns what is there in the end. */
export async function playHistory(
  { steps, isHasty }: History,
  troubles: ReadonlyMap<number, Trouble> = new Map(),
): Promise<HistoryEnd> {
  await using world = await startExtensionWorld();
  const { api, gardenlet } = world;
  gardenlet.createShoot(SHOOT);
  const replicas = startTroubledReplicas(world, troubles);
  const hasCluster = (): boolean => api.store.list(IN_CLUSTERS, undefined).length > 0;
  let hasFailed = false;

  function act(step: HistoryStep): void {
    const exists = gardenlet.find(SHOOT, TYPE) !== undefined;
    if (step.do === 'apply') gardenlet.apply(SHOOT, { type: TYPE, providerConfig: { items: step.items } });
    else if (step.do === 'fail' || step.do === 'retry') {
      hasFailed = step.do === 'fail';
      gardenlet.patchShoot(SHOOT, {
        status: { lastOperation: { state: hasFailed ? 'Failed' : 'Processing' } },
      });
      // A Shoot that is retried is reconciled as a whole.
      if (!hasFailed && exists) gardenlet.annotate(SHOOT, TYPE, 'reconcile');
    } else if (step.do === 'take-cluster') {
      if (hasCluster()) gardenlet.deleteCluster(SHOOT);
    } else if (step.do === 'put-cluster') gardenlet.putCluster(SHOOT);
    else if (!exists) return;
    else if (step.do === 'delete') gardenlet.delete(SHOOT, TYPE);
    else gardenlet.annotate(SHOOT, TYPE, step.do);
  }

  /** True if nothing is left to do, or it has to wait. */
  function isSettled(): boolean {
    if (replicas.isLeaderless || !world.isIdle()) return false;
    const extension = gardenlet.find(SHOOT, TYPE);
    if (extension === undefined || !needsWork(factsOf(extension))) return true;
    const isBlocked = hasFailed || !hasCluster();
    return isBlocked && extension.metadata.deletionTimestamp === undefined;
  }

  for (const step of steps) {
    world.clock.advance(1000);
    act(step);
    if (!isHasty || step.do !== 'apply') await world.until(isSettled, `the end of ${step.do}`);
  }
  await world.until(isSettled, 'the end');
  const objects = [IN_EXTENSIONS, 'v1/configmaps'].flatMap((collection) => api.store.list(collection, SHOOT));
  return { objects: objects.map((object) => masked(object, isHasty)), calls: replicas.calls };
}

/** Without versions and times, and without the type of the last operation if it depends on what gardenlet has waited for. */
function masked(object: object, isHasty: boolean): object {
  const hidden = ['uid', 'resourceVersion', 'lastUpdateTime', ...(isHasty ? ['lastOperation'] : [])];
  return JSON.parse(
    JSON.stringify(object, (key, value: unknown) => (hidden.includes(key) ? undefined : value)),
  ) as object;
}

const anyStep: fc.Arbitrary<HistoryStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('apply' as const), items: fc.subarray(['a', 'b', 'c']) }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'reconcile' as const }, { do: 'delete' as const }) },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'migrate' as const }, { do: 'restore' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'fail' as const }, { do: 'retry' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'take-cluster' as const }, { do: 'put-cluster' as const }) },
);

export const anyHistory: fc.Arbitrary<History> = fc.record({
  steps: fc.array(anyStep, { minLength: 1, maxLength: 8 }),
  isHasty: fc.boolean(),
});

/** Troubles at calls early enough for most histories to reach them. */
export const anyTroubles: fc.Arbitrary<ReadonlyMap<number, Trouble>> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.constantFrom(...TROUBLES)), {
    minLength: 1,
    maxLength: 12,
  })
  .map((pairs) => new Map(pairs));
