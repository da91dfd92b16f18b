import type { ConfigId } from './config-id.ts';
import { EMPTY_DOCUMENT, parseNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { NODES_CONFIG_MAP, NODES_KEY } from '../../fleet/nodes-config-map.ts';
import type { Watched } from './watched.ts';

/** The node document as last observed in the cluster. */
export interface NodeDocumentView {
  current(): NodeDocument;
  /** True if the document has a cache of `upstream`. */
  hasCache(upstream: string): boolean;
  /** Upstreams of the entries that belong to an object. */
  upstreamsOf(id: ConfigId): readonly string[];
}

export function createNodeDocumentView(
  watched: Pick<Watched, 'configMaps'>,
  { namespace }: { readonly namespace: string },
): NodeDocumentView {
  /** Parsed once per version, because it may be large and is read often. */
  let last: { readonly text: string | undefined; readonly document: NodeDocument } | undefined;

  function current(): NodeDocument {
    const text = watched.configMaps.get({ namespace, name: NODES_CONFIG_MAP })?.data?.[NODES_KEY];
    if (last === undefined || last.text !== text) last = { text, document: read(text) };
    return last.document;
  }

  function read(text: string | undefined): NodeDocument {
    try {
      return text === undefined ? EMPTY_DOCUMENT : parseNodeDocument(text, NODES_CONFIG_MAP);
    } catch {
      // The ConfigMap was edited by hand. Nodes refuse it too, and the operator is about to overwrite it.
      return EMPTY_DOCUMENT;
    }
  }
  return {
    current,
    hasCache: (upstream) => current().caches.some((entry) => entry.upstream === upstream),
    upstreamsOf(id) {
      const { caches, mirrors } = current();
      return [...caches, ...mirrors].flatMap(({ askedBy: owner, upstream }) =>
        owner === id ? [upstream] : [],
      );
    },
  };
}
