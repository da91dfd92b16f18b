import { allAskedBy } from '../caches/standing-objects.ts';
import type { NodeDocumentView } from '../nodes/node-document-view.ts';
import type { Watched } from '../watched.ts';
import { UPSTREAM } from '../render/identity.ts';
import type { ConfigId } from './config-id.ts';

/** The upstreams of which there is something on behalf of an object: objects of a cache, or words to the nodes. */
export function createHoldings(
  watched: Watched,
  document: Pick<NodeDocumentView, 'upstreamsOf'>,
): (id: ConfigId) => readonly string[] {
  return (id) => {
    const standing = allAskedBy(watched, id).flatMap(
      ({ metadata }) => metadata.annotations?.[UPSTREAM] ?? [],
    );
    return [...new Set([...standing, ...document.upstreamsOf(id)])];
  };
}
