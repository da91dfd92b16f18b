import { isNotFound } from '../kube-error.ts';
import type { KubeClient, KubeObject, ObjectKey, Resource } from '../types.ts';

/** The object as the server has it now; undefined when there is none. Throws as {@link KubeClient.get} otherwise. */
export async function find<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  resource: Resource<T>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get(resource, key, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
