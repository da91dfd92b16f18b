import { objectsOfOwner, upstreamOf } from '../ownership/existing-objects.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { Watched } from '../cluster/watched.ts';
import type { ConfigId } from '../cluster/config-id.ts';

/** Lists the upstreams for which an object has cache objects or an entry in the node document. */
export function createExistingUpstreams(
  watched: Watched,
  document: Pick<NodeDocumentView, 'upstreamsOf'>,
): (id: ConfigId) => readonly string[] {
  return (id) => {
    const cached = objectsOfOwner(watched, id).flatMap((object) => upstreamOf(object) ?? []);
    return [...new Set([...cached, ...document.upstreamsOf(id)])];
  };
}
