import type {
  CallOptions,
  KubeClient,
  KubeList,
  KubeObject,
  Resource,
  WatchEvent,
} from '../../kube/types.ts';

type Reads = Pick<KubeClient, 'list' | 'watch'>;

/**
 * Reads of `client` in which every object is reduced by `trim` as soon as it arrives, also those of a long initial state. Objects for which
 * it returns undefined are left out; only their version is passed on, so that a watch continues after them. `trim` keeps the name, the
 * namespace, the uid and the version.
 */
export function createTrimmedReads(
  client: Reads,
  trim: (object: KubeObject) => KubeObject | undefined,
): Reads {
  function trimmed(event: WatchEvent<KubeObject>): WatchEvent<KubeObject> {
    if (event.type === 'BOOKMARK') return event;
    const object = trim(event.object);
    if (object !== undefined) return { type: event.type, object };
    const { resourceVersion = '' } = event.object.metadata;
    return { type: 'BOOKMARK', resourceVersion, initialEventsEnd: false };
  }

  return {
    async list<T extends KubeObject>(
      resource: Resource<T>,
      query: Parameters<Reads['list']>[1],
      options: CallOptions,
    ): Promise<KubeList<T>> {
      const { items, resourceVersion } = await client.list(resource, query, options);
      return { items: items.map(trim).filter((item) => item !== undefined) as T[], resourceVersion };
    },
    async *watch<T extends KubeObject>(
      resource: Resource<T>,
      query: Parameters<Reads['watch']>[1],
      signal: AbortSignal,
    ): AsyncGenerator<WatchEvent<T>> {
      for await (const event of client.watch(resource, query, signal)) yield trimmed(event) as WatchEvent<T>;
    },
  };
}
