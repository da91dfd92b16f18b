import type { KubeClient } from '../../kube/types.ts';
import { monitoringObjects, type MonitoringOptions } from '../monitoring/monitoring-objects.ts';
import { mergeObject } from './merge-object.ts';
import { within } from './within.ts';

/** Creates or corrects the monitoring of a shoot's caches. Labels and annotations of others stay. */
export async function deployMonitoring(
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>,
  { namespace, ...options }: { readonly namespace: string } & MonitoringOptions,
  signal: AbortSignal,
): Promise<void> {
  await within('failed to deploy monitoring config', async () => {
    for (const one of monitoringObjects(namespace, options)) {
      const fields = ['data', 'spec'].filter((field) => field in one.object);
      await mergeObject(client, one, { fields }, signal);
    }
  });
}

export async function removeMonitoring(
  client: Pick<KubeClient, 'delete'>,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  await within('failed to destroy monitoring config', async () => {
    for (const { resource, object } of monitoringObjects(namespace)) {
      await client.delete(resource, object.metadata, { signal });
    }
  });
}
