import { systemClock, type Clock } from '../../../src/kit/clock.ts';
import { refusal } from '../../cluster/api-requests.ts';
import type { Cluster } from '../../cluster/start-cluster.ts';
import { createLabClient } from '../../gardener/lab-client.ts';
import type { LabCluster } from '../../gardener/lab-cluster.ts';
import { createFindKind } from '../../gardener/landscape/kinds.ts';
import { createManagedResources } from '../../gardener/landscape/managed-resources.ts';
import { runManager } from '../../gardener/landscape/manager-loop.ts';
import { createShootFlow, type ShootFlow } from '../../gardener/landscape/shoot-flow.ts';
import { createMachines, type Machines } from './machines.ts';
import { createNodeOs } from './node-os.ts';

/** Gardener around Larder: gardenlet, gardener-resource-manager, machines and their node agent. */
export interface Surroundings extends AsyncDisposable {
  readonly flow: ShootFlow;
  readonly machines: Machines;
}

export interface SurroundingsDeps {
  readonly cluster: Cluster;
  readonly seed: LabCluster;
  /** {@link SurroundingsDeps.cluster} as its administrator reaches it. */
  readonly shoot: LabCluster;
}

/** Waits of gardenlet are 5 s. Here nothing else would use that time. */
const QUICK: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(Math.min(ms, 300), callback),
};

/** Creates the namespace of the shoot in the seed, and begins to apply its ManagedResources. */
export async function startSurroundings(
  { cluster, seed, shoot }: SurroundingsDeps,
  options: { readonly namespace: string; readonly containerd: Machines['containerd'] },
): Promise<Surroundings> {
  const { namespace } = options;
  await using cleanup = new AsyncDisposableStack();
  const client = async (lab: LabCluster) =>
    cleanup.adopt(await createLabClient({ place: cluster }, lab), (one) => one.close());
  const clients = { seed: await client(seed), shoot: await client(shoot) };
  const findKind = createFindKind(async (path) => {
    const found = await shoot.requests('GET', path);
    return refusal(found) === undefined ? found : undefined;
  });
  const ended = new AbortController();
  const handle = createManagedResources({ ...clients, findKind, clock: systemClock });
  const managing = runManager(
    { seed: clients.seed, clock: systemClock, handle },
    { namespace, everyMs: 500, resyncMs: 60_000, retryMs: 1_000 },
    ended.signal,
  );
  cleanup.defer(async () => {
    ended.abort();
    await managing.catch((error: unknown) => {
      if (!ended.signal.aborted) throw error;
    });
  });

  await seed.requests('POST', '/api/v1/namespaces', {
    metadata: { name: namespace, labels: { 'gardener.cloud/role': 'shoot' } },
  });
  const os = createNodeOs((url) => cluster.reach(url));
  cleanup.defer(() => os.stop());
  const machines = createMachines({ cluster, seed, os }, options);
  await machines.writeAccess();
  const flow = createShootFlow({ ...clients, clock: QUICK, machines }, { namespace, signal: ended.signal });
  const resources = cleanup.move();
  return { flow, machines, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
