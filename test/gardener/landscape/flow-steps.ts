/** Means of gardenlet's flows: steps one after the other, and waits with a limit. */
import { sleep } from '../../../src/kit/clock.ts';
import { createSeedObjects, type SeedObjects } from './seed-objects.ts';
import type { ShootFlowDeps, ShootFlowOptions } from './shoot-flow.ts';

/** Time of one try at an Extension (`pkg/component/extensions/extension`). */
const EXTENSION_LIMIT_MS = 180_000;
export const CLEAN_UP_LIMIT_MS = 600_000;
const EVERY_MS = 5000;

export type FlowSteps = ReturnType<typeof createFlowSteps>;

export function createFlowSteps(deps: ShootFlowDeps, options: ShootFlowOptions) {
  const { clock } = deps;
  const { namespace, signal, onStep = () => {} } = options;
  const objects: SeedObjects = createSeedObjects(deps, namespace, signal);

  async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    onStep(name);
    return run();
  }
  async function until(what: string, isDone: () => Promise<boolean>, limitMs: number): Promise<void> {
    const begin = clock.monotonic();
    while (!(await isDone())) {
      if (clock.monotonic() - begin >= limitMs) throw new Error(`gardenlet waits no longer for ${what}`);
      await sleep(clock, EVERY_MS, signal);
    }
  }
  const untilReady = (type: string, operation: string): Promise<void> =>
    until(`${operation} of ${type}`, () => objects.isReady(type, operation), EXTENSION_LIMIT_MS);
  const untilNoExtension = (isMeant: (type: string) => boolean): Promise<void> =>
    until(
      'the end of Extensions',
      async () => !(await objects.extensions()).some(({ metadata }) => isMeant(metadata.name)),
      EXTENSION_LIMIT_MS,
    );
  const untilNoOwnResources = (): Promise<void> =>
    until(
      'the end of ManagedResources',
      async () => (await objects.ownManagedResources()).length === 0,
      CLEAN_UP_LIMIT_MS,
    );
  const untilNoShootResources = (): Promise<void> =>
    until(
      'the end of all ManagedResources',
      async () => (await objects.shootManagedResources()).length === 0,
      30_000,
    );
  const deleteOwnResources = async (): Promise<void> => {
    for (const { metadata } of await objects.ownManagedResources())
      await objects.deleteManagedResource(metadata.name);
  };
  return {
    objects,
    signal,
    step,
    until,
    untilReady,
    untilNoExtension,
    untilNoOwnResources,
    untilNoShootResources,
    deleteOwnResources,
  };
}
