import type { ConfigId } from './config-id.ts';
import { EMPTY_DOCUMENT, parseNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { NODES_CONFIG_MAP, NODES_KEY } from '../../fleet/nodes-config-map.ts';
import type { Watched } from './watched.ts';

/** What nodes are told now, as far as it has been seen. */
export interface NodeDocumentView {
  current(): NodeDocument;
  /** True when nodes are told of a cache of `upstream`. */
  hasCache(upstream: string): boolean;
  /** The upstreams of which nodes are told on behalf of an object. */
  upstreamsOf(id: ConfigId): readonly string[];
}

export function createNodeDocumentView(
  watched: Pick<Watched, 'configMaps'>,
  { namespace }: { readonly namespace: string },
): NodeDocumentView {
  /** Read once: it may be large, and is asked for often. */
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
      // Somebody has written something else; nodes refuse it, too, and it is about to be put right.
      return EMPTY_DOCUMENT;
    }
  }
  return {
    current,
    hasCache: (upstream) => current().caches.some((entry) => entry.upstream === upstream),
    upstreamsOf(id) {
      const { caches, mirrors } = current();
      return [...caches, ...mirrors].flatMap(({ askedBy, upstream }) => (askedBy === id ? [upstream] : []));
    },
  };
}
