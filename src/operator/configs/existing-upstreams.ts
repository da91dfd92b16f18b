import { allAskedBy } from '../ownership/existing-objects.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { Watched } from '../cluster/watched.ts';
import { UPSTREAM } from '../cluster/marks.ts';
import type { ConfigId } from '../cluster/config-id.ts';

/** The upstreams of which there is something on behalf of an object: objects of a cache, or words to the nodes. */
export function createExistingUpstreams(
  watched: Watched,
  document: Pick<NodeDocumentView, 'upstreamsOf'>,
): (id: ConfigId) => readonly string[] {
  return (id) => {
    const existing = allAskedBy(watched, id).flatMap(
      ({ metadata }) => metadata.annotations?.[UPSTREAM] ?? [],
    );
    return [...new Set([...existing, ...document.upstreamsOf(id)])];
  };
}
