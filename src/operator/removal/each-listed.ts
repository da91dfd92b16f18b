import { inParallel } from '../../kit/in-parallel.ts';
import { isExpired, isNotFound } from '../../kube/kube-error.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ListQuery, Resource } from '../../kube/types.ts';

/** Metadata of an object with many managed fields has some KiB, so a page has less than 2 MiB. */
const PAGE = 250;
const AT_ONCE = 20;
const TRIES = 3;

/**
 * Calls `work` for the metadata of each listed object, for up to 20 at a time. At most one page of 250 objects is in memory, and nothing but their
 * metadata is read. Starts over if pages expire, so `work` may get an object again. Does nothing if the cluster does not have the kind. After a
 * failure no other object is begun.
 */
export async function eachListed(
  client: Pick<KubeClient, 'list'>,
  resource: Resource,
  query: ListQuery,
  work: (object: KubeObject) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const listed = metadataOf(resource);
  for (let tries = 1; ; tries += 1) {
    try {
      let continueToken: string | undefined;
      do {
        const page = { limit: PAGE, continueToken };
        const list = await client.list(listed, { ...query, page }, { signal });
        await inParallel(list.items, AT_ONCE, work, signal);
        ({ continueToken } = list);
      } while (continueToken !== undefined);
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isExpired(error) || tries === TRIES) throw error;
    }
  }
}
