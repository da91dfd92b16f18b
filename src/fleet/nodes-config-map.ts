import { z } from 'zod';
import { LarderError } from '../kit/errors.ts';
import type { ConfigMap } from '../kube/objects/config-maps.ts';
import { EMPTY_DOCUMENT, parseNodeDocument, type NodeDocument } from './node-document.ts';

/** The ConfigMap in the operator's namespace that carries the node document, and the key in it. */
export const NODES_CONFIG_MAP = 'larder-nodes';
export const NODES_KEY = 'nodes.json';

/** Reads the document from the ConfigMap. Without a ConfigMap there is nothing to do. Throws `CONFIG_INVALID`. */
export function readNodesConfigMap(configMap: ConfigMap | undefined): NodeDocument {
  if (configMap === undefined) return EMPTY_DOCUMENT;
  const { name, namespace } = configMap.metadata;
  const source = `ConfigMap ${namespace}/${name}`;
  const text = WITH_DOCUMENT.safeParse(configMap).data?.data[NODES_KEY];
  if (text === undefined)
    throw new LarderError('CONFIG_INVALID', `${source}: data: expected the key ${NODES_KEY}`);
  return parseNodeDocument(text, `${source}: ${NODES_KEY}`);
}

const WITH_DOCUMENT = z.object({ data: z.object({ [NODES_KEY]: z.string() }) });
