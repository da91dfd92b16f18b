/** Ends of a shoot at a seed: deletion, forced deletion, migration (gardener v1.147.1, `reconciler_delete.go`, `_force_delete.go`, `_migrate.go`). */
import { FORCE_DELETION } from '../../../src/gardener/shoots/cluster.ts';
import { cleanUp, type CLEAN_UP } from './shoot-clean-up.ts';
import { CLEAN_UP_LIMIT_MS, type FlowSteps } from './flow-steps.ts';
import type { ShootFlow, ShootFlowDeps } from './shoot-flow.ts';

export function createShootEnds(
  deps: ShootFlowDeps,
  steps: FlowSteps,
): Pick<ShootFlow, 'delete' | 'forceDelete' | 'migrate'> {
  const { clock, machines } = deps;
  const { objects, signal, step, until, untilReady } = steps;
  const { untilNoExtension, untilNoOwnResources, untilNoShootResources, deleteOwnResources } = steps;
  /** Time at which the deletion began to clean up. It stays when a deletion is tried again. */
  let cleanUpBegan: number | undefined;

  const clean = (what: keyof typeof CLEAN_UP): Promise<void> =>
    step(what, () => {
      cleanUpBegan ??= clock.now();
      const began = cleanUpBegan;
      const isClean = async () => (await cleanUp(deps, what, began, { signal })).length === 0;
      return until(`the end of ${what}`, isClean, CLEAN_UP_LIMIT_MS);
    });

  return {
    async delete(wanted) {
      const { hibernated = false } = wanted;
      await step('namespace', () => objects.putShoot(wanted));
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

    async forceDelete(wanted) {
      const metadata = {
        ...(wanted.shoot as { readonly metadata?: { readonly annotations?: object } }).metadata,
      };
      const annotations = { ...metadata.annotations, [FORCE_DELETION]: 'true' };
      const shoot = { ...wanted.shoot, metadata: { ...metadata, annotations } };
      await step('namespace', () => objects.putShoot({ ...wanted, shoot }));
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
        for (const type of Object.keys(wanted.extensions)) await objects.ask(type, 'migrate');
        await Promise.all(Object.keys(wanted.extensions).map((type) => untilReady(type, 'migrate')));
      });
      await step('extensions-end', async () => {
        for (const type of Object.keys(wanted.extensions)) await objects.deleteExtension(type);
        await untilNoExtension(() => true);
      });
      await step('all-managed-resources', untilNoShootResources);
      await step('api-server-ends', () => machines.stopApiServer());
      await step('cluster-ends', () => objects.deleteCluster());
    },
  };
}
