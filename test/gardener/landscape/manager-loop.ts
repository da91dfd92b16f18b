import type { ManagedResource } from '../../../src/gardener/managed-resources/managed-resource.ts';
import { MANAGED_RESOURCES } from '../../../src/gardener/managed-resources/managed-resource.ts';
import { sleep, type Clock } from '../../../src/kit/clock.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { HandleManagedResource, ManagerClient, Turn } from './managed-resources.ts';

export interface ManagerLoopDeps {
  readonly seed: ManagerClient;
  readonly clock: Clock;
  readonly handle: HandleManagedResource;
}

export interface ManagerLoopOptions {
  readonly namespace: string;
  /** Pause between two looks at the ManagedResources. */
  readonly everyMs: number;
  /** Time after which an applied one is handled again. A minute for a shoot. */
  readonly resyncMs: number;
  /** Pause before objects that are being deleted, or have failed, are looked at again. 5 s in Gardener. */
  readonly retryMs: number;
}

interface Past {
  readonly seen: string;
  readonly turn: Turn;
  readonly at: number;
}

/** Handles the ManagedResources of a shoot, one after the other, until `signal` aborts. Those of another class are left alone. A server that does not answer is asked again. */
export async function runManager(
  { seed, clock, handle }: ManagerLoopDeps,
  { namespace, everyMs, resyncMs, retryMs }: ManagerLoopOptions,
  signal: AbortSignal,
): Promise<void> {
  let past = new Map<string, Past>();
  while (!signal.aborted) {
    const { items } = await seed.list(MANAGED_RESOURCES, { namespace }, { signal });
    const now = new Map<string, Past>();
    for (const one of items.filter(({ spec }) => (spec.class ?? '') === '')) {
      const { name } = one.metadata;
      const last = past.get(name);
      now.set(name, isDue(last, one) ? await take(name, one) : last);
    }
    past = now;
    await sleep(clock, everyMs, signal).catch(() => undefined);
  }

  async function take(name: string, one: ManagedResource): Promise<Past> {
    const turn = await handle({ namespace, name }, signal).catch((error: unknown): Turn => {
      // The shoot may have no API server now. The next try finds out.
      if (!(error instanceof KubeError) && !signal.aborted) throw error;
      return 'failed';
    });
    return { seen: seenOf(one), turn, at: clock.monotonic() };
  }

  function isDue(last: Past | undefined, one: ManagedResource): last is undefined {
    if (last === undefined || last.seen !== seenOf(one)) return true;
    return clock.monotonic() >= last.at + (last.turn === 'done' ? resyncMs : retryMs);
  }
}

/** Changes with all that the manager reacts to, and not with its own writes. */
function seenOf({ metadata: { uid, generation, deletionTimestamp, annotations } }: ManagedResource): string {
  return JSON.stringify([uid, generation, deletionTimestamp, annotations]);
}
