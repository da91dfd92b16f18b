import { isNotFound } from '../kube-error.ts';
import type { KubeClient, KubeObject, ObjectKey, Resource } from '../types.ts';

/** Reads the object from the server. Undefined if there is none. Throws other errors of {@link KubeClient.get}. */
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
