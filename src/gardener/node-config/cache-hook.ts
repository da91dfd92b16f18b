import { readRegistryStatus, type PublishedCaches } from '../caches/provider-status.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Extension } from '../extensions/resources.ts';
import { withWords } from '../server-text.ts';
import { cacheChange } from './cache-change.ts';
import type { NodeHook } from './node-hook.ts';

/**
 * Leads nodes to the caches in the status of the Extension. A hibernated shoot is left alone: it has no nodes, and the status may be missing or old.
 */
export const cacheHook: NodeHook = async ({ facts, reads }) => {
  if (facts.isDeleted || facts.isHibernated) return undefined;
  const published = publishedCaches(await reads.extension('registry-cache'));
  const { caSecretName: name } = published;
  const bundle =
    name === undefined
      ? undefined
      : await reads.bundle(
          name,
          (text) => `failed to get CA bundle secret '${reads.namespace}/${name}': ${text}`,
        );
  return cacheChange(published, bundle);
};

function publishedCaches({ metadata: { namespace, name }, status }: Extension): PublishedCaches {
  const extension = `extension '${namespace}/${name}'`;
  const document = status?.providerStatus ?? undefined;
  if (document === undefined)
    throw new LarderError('CONFIG_INVALID', `${extension} does not have a .status.providerStatus specified`);
  try {
    return readRegistryStatus(document);
  } catch (error) {
    throw withWords(`failed to decode providerStatus of ${extension}`, error);
  }
}
