import { isNotFound } from '../kube-error.ts';
import type { KubeClient, KubeObject, Resource } from '../types.ts';

/** Keeps objects from going before what was done for them outside is undone. */
export interface Finalizer {
  isOn(object: KubeObject): boolean;
  /**
   * Puts it on, in a write of its own, to be called before the first effect outside; gives the object as the server has it then. Does nothing
   * to an object that has it, or is being deleted, which the server would refuse.
   */
  add<T extends KubeObject>(resource: Resource<T>, object: T, signal: AbortSignal): Promise<T>;
  /** Takes it off, after everything is undone. Also done when the object is gone. */
  remove(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<void>;
}

/**
 * The finalizer `name`, a qualified one. Both changes carry a `test`, so a list that has changed since `object` was read is refused (422), and
 * the next reconcile, with a newer object, does better.
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
          // The list may be missing, which a test cannot say: the version stands for it.
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
            // Another object of the same name has undone nothing yet.
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
