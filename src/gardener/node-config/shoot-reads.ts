import { LarderError } from '../../kit/errors.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { EXTENSIONS, type Extension } from '../extensions/resources.ts';
import type { ExtensionType } from '../names.ts';
import { serverText, withWords } from '../server-text.ts';
import { CLUSTERS, type Cluster } from '../shoots/cluster.ts';

/** Key of certificates to trust in a Secret. */
const BUNDLE = 'bundle.crt';

/** Reads of what belongs to one shoot namespace, each from the API server. They throw in the words of the Go extension. */
export interface ShootReads {
  readonly namespace: string;
  cluster(): Promise<Cluster>;
  extension(type: ExtensionType): Promise<Extension>;
  /** Certificates of a Secret in base64. `words` come before the text of a failed read. */
  bundle(name: string, failure: (text: string) => string): Promise<string>;
}

export function createShootReads(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): ShootReads {
  return {
    namespace,
    async cluster() {
      try {
        return await client.get(CLUSTERS, { name: namespace }, { signal });
      } catch (error) {
        throw failed(`could not get cluster for namespace '${namespace}'`, 'Cluster', namespace, error);
      }
    },
    async extension(type) {
      try {
        return await client.get(EXTENSIONS, { namespace, name: type }, { signal });
      } catch (error) {
        throw failed(`failed to get extension '${namespace}/${type}'`, 'Extension', type, error);
      }
    },
    async bundle(name, failure) {
      if (name === '') throw new LarderError('CONFIG_INVALID', failure('resource name may not be empty'));
      const { data } = await client.get(SECRETS, { namespace, name }, { signal }).catch((cause: unknown) => {
        throw new LarderError('KUBE_API', failure(serverText(cause)), { cause });
      });
      const bundle = data?.[BUNDLE];
      if (bundle !== undefined) return bundle;
      const message = `failed to find '${BUNDLE}' key in the CA bundle secret '${namespace}/${name}'`;
      throw new LarderError('CONFIG_INVALID', message);
    },
  };
}

/** The Go extension reads these kinds from a cache, which has words of its own for what does not exist. */
function failed(words: string, kind: string, name: string, cause: unknown): LarderError {
  if (!isNotFound(cause)) return withWords(words, cause);
  const missing = `${kind}.extensions.gardener.cloud ${JSON.stringify(name)} not found`;
  return new LarderError('KUBE_API', `${words}: ${missing}`, { cause });
}
