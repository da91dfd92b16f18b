import type { Logger } from '../../kit/logger.ts';
import { createObjectStore } from '../../kube/informer/object-store.ts';
import { createReflector, type ReflectorDeps } from '../../kube/informer/reflector.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { NODES_CONFIG_MAP, readNodesConfigMap } from '../../fleet/nodes-config-map.ts';
import type { DocumentCopy } from './document-copy.ts';
import { logRefused, type DocumentSource } from './document-source.ts';

export interface ConfigMapSourceDeps extends ReflectorDeps {
  readonly logger: Logger;
  /** Keeps the last good document beyond this process. Undefined: not kept. */
  readonly copy: DocumentCopy | undefined;
}

/**
 * The document in the ConfigMap `larder-nodes`. A missing or deleted ConfigMap is the empty document, but only the API server can say so.
 * While it does not answer, its last document stays in force, from the copy if the agent has restarted. Without a copy the document is
 * unknown.
 */
export function createConfigMapSource(
  { copy, ...deps }: ConfigMapSourceDeps,
  { namespace }: { readonly namespace: string },
): DocumentSource {
  const query = { namespace, fieldSelector: `metadata.name=${NODES_CONFIG_MAP}` };
  const { store, writer } = createObjectStore<ConfigMap>(deps);
  const reflector = createReflector(deps, { resource: CONFIG_MAPS, query }, writer);
  let current: string | undefined;

  return {
    async read() {
      const document = await copy?.read();
      current = document && JSON.stringify(document);
      return document;
    },
    async watch(signal, onChange) {
      store.onChange((_before, configMap) => take(configMap, onChange));
      await Promise.all([reflector.run(signal), takeAbsence(signal, onChange)]);
      await copy?.settled();
    },
  };

  /** The store reports no change for an object that never existed. */
  async function takeAbsence(signal: AbortSignal, onChange: (document: NodeDocument) => void): Promise<void> {
    await store.whenSynced(signal).catch(() => {});
    if (!signal.aborted && store.size === 0) take(undefined, onChange);
  }

  function take(configMap: ConfigMap | undefined, onChange: (document: NodeDocument) => void): void {
    try {
      const document = readNodesConfigMap(configMap);
      const text = JSON.stringify(document);
      if (text === current) return;
      current = text;
      copy?.keep(document);
      onChange(document);
    } catch (error) {
      logRefused(deps.logger, error);
    }
  }
}
