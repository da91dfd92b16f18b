import { readDocument } from '../../api/document/parse-document.ts';
import { MIRROR_API_VERSION, MIRROR_KIND, mirrorConfigSchema } from '../../api/mirror-config/schema.ts';
import { API_VERSION, KIND, registryConfigSchema } from '../../api/registry-config/schema.ts';
import { takenUpstreams, type TakenUpstreams } from '../../fleet/taken-upstreams.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { wantsReplication } from '../extensions/replication-wish.ts';
import { EXTENSIONS, type Extension } from '../extensions/resources.ts';
import type { ExtensionType } from '../names.ts';

/**
 * Reads both Extensions of a shoot, and gives the upstreams that the Shoot itself has caches or mirrors for. Undefined if `RegistryConfig` objects are not
 * wanted in the shoot. An Extension that is being deleted counts for nothing, and so does a document that cannot be read: whoever acts by it reports that.
 */
export async function replicationWanted(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): Promise<TakenUpstreams | undefined> {
  const configOf = async (name: ExtensionType): Promise<unknown> =>
    wantedConfig(await find(client, EXTENSIONS, { namespace, name }, signal));
  const caches = await configOf('registry-cache');
  if (!wantsReplication(caches)) return undefined;
  return takenUpstreams([
    ...cachedUpstreams(caches),
    ...mirroredUpstreams(await configOf('registry-mirror')),
  ]);
}

function wantedConfig(extension: Extension | undefined): unknown {
  if (extension === undefined || extension.metadata.deletionTimestamp !== undefined) return undefined;
  return extension.spec?.providerConfig ?? undefined;
}

function cachedUpstreams(document: unknown): readonly string[] {
  const type = { apiVersion: API_VERSION, kind: KIND, schema: registryConfigSchema };
  return (readDocument(type, document, '').value?.caches ?? []).map(({ upstream }) => upstream);
}

function mirroredUpstreams(document: unknown): readonly string[] {
  const type = { apiVersion: MIRROR_API_VERSION, kind: MIRROR_KIND, schema: mirrorConfigSchema };
  return (readDocument(type, document, '').value?.mirrors ?? []).map(({ upstream }) => upstream);
}
