/**
 * gardenlet, as far as an extension sees it: the order of its steps, and how long it waits (gardener v1.147.1,
 * `pkg/gardenlet/controller/shoot/shoot/reconciler_*.go`). The Extensions have the default life cycle: they are reconciled once the API
 * server of the shoot runs, and deleted and migrated before it ends.
 */
import { sleep, type Clock } from '../../../src/kit/clock.ts';
import type { KubeClient } from '../../../src/kube/types.ts';
import { cleanUp, type CLEAN_UP } from './shoot-clean-up.ts';
import { createSeedObjects } from './seed-objects.ts';

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
  /** Deletes without a call to the shoot, whose API server may be dead. */
  forceDelete(): Promise<void>;
  /** Leaves the seed. Objects in the shoot stay. */
  migrate(wanted: WantedShoot): Promise<void>;
  /** Arrives at the seed after {@link ShootFlow.migrate}. */
  restore(wanted: WantedShoot): Promise<void>;
}

/** Time of one try at an Extension (`pkg/component/extensions/extension`). */
const EXTENSION_LIMIT_MS = 180_000;
const CLEAN_UP_LIMIT_MS = 600_000;
const EVERY_MS = 5000;

export function createShootFlow(deps: ShootFlowDeps, options: ShootFlowOptions): ShootFlow {
  const { clock, machines } = deps;
  const { namespace, signal, onStep = () => {} } = options;
  const objects = createSeedObjects(deps, namespace, signal);
  /** Time at which the deletion began to clean up. It stays when a deletion is tried again. */
  let cleanUpBegan: number | undefined;

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
  const typesOf = ({ extensions }: WantedShoot): string[] => Object.keys(extensions);
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

  async function bringUp(wanted: WantedShoot, operation: 'reconcile' | 'restore'): Promise<void> {
    const { hibernated = false, extensions } = wanted;
    await step('namespace', () => objects.putShoot(wanted.shoot));
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
        await Promise.all(typesOf(wanted).map((type) => untilReady(type, operation)));
      });
      await step('node-configuration', () => machines.putNodeConfiguration());
      await step('nodes', () => (hibernated ? machines.stopNodes() : machines.startNodes()));
      if (hibernated) await step('api-server-ends', () => machines.stopApiServer());
    };
    await Promise.all([stale, rest()]);
  }

  const clean = (what: keyof typeof CLEAN_UP): Promise<void> =>
    step(what, () => {
      cleanUpBegan ??= clock.now();
      const began = cleanUpBegan;
      const isClean = async () => (await cleanUp(deps, what, began, { signal })).length === 0;
      return until(`the end of ${what}`, isClean, CLEAN_UP_LIMIT_MS);
    });

  return {
    reconcile: (wanted) => bringUp(wanted, 'reconcile'),
    restore: (wanted) => bringUp(wanted, 'restore'),

    async delete({ shoot, hibernated = false }) {
      await step('namespace', () => objects.putShoot(shoot));
      // A hibernated shoot gets its API server back for the deletion, but no node.
      await step('api-server', () => machines.startApiServer());
      await clean('webhooks');
      await clean('definitions');
      await clean('workloads');
      await step('nodes-end', () => machines.stopNodes());
      const configuration = step('node-configuration-ends', () => machines.deleteNodeConfiguration());
      if (!hibernated) await configuration;
      await step('managed-resources', deleteOwnResources);
      await untilNoOwnResources();
      await step('extensions-end', async () => {
        for (const { metadata } of await objects.extensions()) await objects.deleteExtension(metadata.name);
        await untilNoExtension(() => true);
      });
      await configuration;
      await step('all-managed-resources', untilNoShootResources);
      await step('api-server-ends', () => machines.stopApiServer());
      await step('cluster-ends', () => objects.deleteCluster());
    },

    async forceDelete() {
      await step('extensions-end', async () => {
        for (const { metadata } of await objects.extensions()) await objects.deleteExtension(metadata.name);
        await untilNoExtension(() => true);
      });
      await step('all-managed-resources', async () => {
        for (const { metadata } of await objects.shootManagedResources()) {
          await objects.patchManagedResource(metadata.name, { spec: { keepObjects: false } });
          await objects.deleteManagedResource(metadata.name);
        }
        for (const { metadata } of await objects.shootManagedResources())
          await objects.patchManagedResource(metadata.name, { metadata: { finalizers: [] } });
        await untilNoShootResources();
      });
      await step('cluster-ends', () => objects.deleteCluster());
    },

    async migrate(wanted) {
      await step('api-server', () => machines.startApiServer());
      await step('managed-resources', async () => {
        for (const { metadata } of await objects.ownManagedResources())
          await objects.patchManagedResource(metadata.name, { spec: { keepObjects: true } });
        await deleteOwnResources();
        await untilNoOwnResources();
      });
      await step('extensions-migrate', async () => {
        for (const type of typesOf(wanted)) await objects.ask(type, 'migrate');
        await Promise.all(typesOf(wanted).map((type) => untilReady(type, 'migrate')));
      });
      await step('extensions-end', async () => {
        for (const type of typesOf(wanted)) await objects.deleteExtension(type);
        await untilNoExtension(() => true);
      });
      await step('all-managed-resources', untilNoShootResources);
      await step('api-server-ends', () => machines.stopApiServer());
      await step('cluster-ends', () => objects.deleteCluster());
    },
  };
}
