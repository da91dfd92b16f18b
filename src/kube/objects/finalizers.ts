import { isNotFound } from '../kube-error.ts';
import type { KubeClient, KubeObject, Resource } from '../types.ts';

/** A finalizer: keeps an object until its effects outside are undone. */
export interface Finalizer {
  isOn(object: KubeObject): boolean;
  /**
   * Adds the finalizer in a write of its own and returns the resulting object. Called before the first effect outside. Does nothing if the
   * object has the finalizer, or is being deleted, which the server would refuse.
   */
  add<T extends KubeObject>(resource: Resource<T>, object: T, signal: AbortSignal): Promise<T>;
  /** Removes the finalizer, after everything is undone. Resolves also if the object is gone. */
  remove(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<void>;
}

/**
 * Handles the finalizer `name`, a qualified name. Both changes carry a `test`: if the list has changed since `object` was read, the server
 * refuses (422), and the next reconcile retries with a newer object.
 */
export function createFinalizer(client: Pick<KubeClient, 'patch'>, name: string): Finalizer {
  const isOn = (object: KubeObject): boolean => object.metadata.finalizers?.includes(name) ?? false;
  return {
    isOn,
    async add(resource, object, signal) {
      const { finalizers = [], deletionTimestamp, resourceVersion } = object.metadata;
      if (isOn(object) || deletionTimestamp !== undefined) return object;
      return client.patch(
        resource,
        object.metadata,
        [
          // The list may be missing, which a test cannot express. The version stands for it.
          { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
          { op: 'add', path: '/metadata/finalizers', value: [...finalizers, name] },
        ],
        { signal },
      );
    },
    async remove(resource, object, signal) {
      const index = object.metadata.finalizers?.indexOf(name) ?? -1;
      if (index === -1) return;
      const path = `/metadata/finalizers/${index}`;
      try {
        await client.patch(
          resource,
          object.metadata,
          [
            // A new object of the same name has its own effects, which are not undone yet.
            { op: 'test', path: '/metadata/uid', value: object.metadata.uid },
            { op: 'test', path, value: name },
            { op: 'remove', path },
          ],
          { signal },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}
