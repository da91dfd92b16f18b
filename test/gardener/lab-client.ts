import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import {
  createKubeClient,
  KUBE_CLIENT_LIMITS,
  type ClosableKubeClient,
} from '../../src/kube/client/kube-client.ts';
import { createObjectStore, type ObjectStore } from '../../src/kube/informer/object-store.ts';
import { createReflector } from '../../src/kube/informer/reflector.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import type { KubeClient, KubeObject, Resource } from '../../src/kube/types.ts';
import { connectionTo } from '../kube/client.ts';
import type { LabCluster } from './lab-cluster.ts';
import type { ProgramPlace } from './lab-program.ts';

/** Shared, because each registry observes the whole process. */
const METRICS = declareKubeMetrics(createMetricsRegistry());

/** Creates a client with an administrator's rights and without a limit of its rate. */
export async function createLabClient(
  { place }: Pick<ProgramPlace, 'place'>,
  { server: { access } }: LabCluster,
): Promise<ClosableKubeClient> {
  const connection = connectionTo({
    url: await place.reach(access.server),
    ca: access.ca,
    cert: access.client.cert,
    key: access.client.key,
  });
  const limits = { ...KUBE_CLIENT_LIMITS, rate: { perSecond: 1e6, burst: 1e6 } };
  return createKubeClient(
    { connection, clock: systemClock, metrics: METRICS },
    { userAgent: 'lab/test', limits },
  );
}

export interface LabWatch<T> extends AsyncDisposable {
  readonly objects: ObjectStore<T>;
}

/** Watches all objects of a kind until it is disposed. */
export async function watchLab<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
): Promise<LabWatch<T>> {
  const logger = silentLogger;
  const { store, writer } = createObjectStore<T>({ logger });
  const ended = new AbortController();
  const running = createReflector(
    { client, clock: systemClock, logger, metrics: METRICS, random: () => 0.5 },
    { resource },
    writer,
  ).run(ended.signal);
  await store.whenSynced(ended.signal);
  return {
    objects: store,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await running;
    },
  };
}
