import type { KubeList, KubeObject, WatchEvent } from '../types.ts';

/** Assembles a list from the events of a streaming list. */
export interface InitialState<S extends KubeObject> {
  /** Returns the list with the bookmark that ends it. */
  take(event: WatchEvent<S>): KubeList<S> | undefined;
}

/** Starts empty. */
export function createInitialState<S extends KubeObject>(): InitialState<S> {
  const objects = new Map<string, S>();
  return {
    take(event) {
      if (event.type === 'BOOKMARK') {
        if (!event.initialEventsEnd) return undefined;
        return { items: [...objects.values()], resourceVersion: event.resourceVersion };
      }
      const { namespace = '', name } = event.object.metadata;
      const id = `${namespace}/${name}`;
      // Changes may arrive among the initial events.
      if (event.type === 'DELETED') objects.delete(id);
      else objects.set(id, event.object);
      return undefined;
    },
  };
}
