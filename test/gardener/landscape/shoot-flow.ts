/**
 * gardenlet, as far as an extension sees it: the order of its steps, and how long it waits (gardener v1.147.1,
 * `pkg/gardenlet/controller/shoot/shoot/reconciler_*.go`). The Extensions have the default life cycle: they are reconciled once the API
 * server of the shoot runs, and deleted and migrated before it ends.
 */
import type { Clock } from '../../../src/kit/clock.ts';
import type { KubeClient } from '../../../src/kube/types.ts';
import { createFlowSteps } from './flow-steps.ts';
import { createShootEnds } from './shoot-end.ts';

/** The rest of a landscape, which gardenlet starts and ends. */
export interface ShootMachines {
  startApiServer(): Promise<void>;
  stopApiServer(): Promise<void>;
  /** Writes the node configuration, which passes the webhooks of extensions. */
  putNodeConfiguration(): Promise<void>;
  deleteNodeConfiguration(): Promise<void>;
  /** Starts nodes with the configuration, and waits for them. */
  startNodes(): Promise<void>;
  /** Ends all nodes, and with them their pods. */
  stopNodes(): Promise<void>;
}

export interface ShootFlowDeps {
  readonly seed: Omit<KubeClient, 'watch'>;
  readonly shoot: Omit<KubeClient, 'watch'>;
  readonly clock: Clock;
  readonly machines: ShootMachines;
}

export interface ShootFlowOptions {
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Receives each step as it begins. */
  readonly onStep?: (step: string) => void;
}

/** Shoot as its owner wants it. */
export interface WantedShoot {
  readonly shoot: object;
  readonly hibernated?: boolean;
  /** `providerConfig` of each Extension by its type. One that is not here any more is stale. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Each method ends when gardenlet is done, and throws an `Error` where it would give up its try. A failed one may be called again. */
export interface ShootFlow {
  /** Creates a shoot, changes it, hibernates it or wakes it up. */
  reconcile(wanted: WantedShoot): Promise<void>;
  delete(wanted: WantedShoot): Promise<void>;
  /** Deletes without a call to the shoot, whose API server may be dead. The Cluster shows that its owner asks for that. */
  forceDelete(wanted: WantedShoot): Promise<void>;
  /** Leaves the seed. Objects in the shoot stay. */
  migrate(wanted: WantedShoot): Promise<void>;
  /** Arrives at the seed after {@link ShootFlow.migrate}. */
  restore(wanted: WantedShoot): Promise<void>;
}

export function createShootFlow(deps: ShootFlowDeps, options: ShootFlowOptions): ShootFlow {
  const { machines } = deps;
  const steps = createFlowSteps(deps, options);
  const { objects, step, untilReady, untilNoExtension } = steps;

  async function bringUp(wanted: WantedShoot, operation: 'reconcile' | 'restore'): Promise<void> {
    const { hibernated = false, extensions } = wanted;
    await step('namespace', () => objects.putShoot(wanted));
    if (!hibernated) await step('api-server', () => machines.startApiServer());
    // Extensions that are not wanted any more end beside everything else.
    const stale = step('stale', async () => {
      const isStale = (type: string): boolean => !(type in extensions);
      for (const { metadata } of await objects.extensions())
        if (isStale(metadata.name)) await objects.deleteExtension(metadata.name);
      if (!hibernated) await untilNoExtension(isStale);
    });
    const rest = async (): Promise<void> => {
      await step('extensions', async () => {
        for (const [type, config] of Object.entries(extensions))
          await objects.putExtension(type, config, operation);
        await Promise.all(Object.keys(wanted.extensions).map((type) => untilReady(type, operation)));
      });
      await step('node-configuration', () => machines.putNodeConfiguration());
      await step('nodes', () => (hibernated ? machines.stopNodes() : machines.startNodes()));
      if (hibernated) await step('api-server-ends', () => machines.stopApiServer());
    };
    await Promise.all([stale, rest()]);
  }

  return {
    reconcile: (wanted) => bringUp(wanted, 'reconcile'),
    restore: (wanted) => bringUp(wanted, 'restore'),
    ...createShootEnds(deps, steps),
  };
}
