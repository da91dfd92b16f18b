import { isLarderError, LarderError } from '../../kit/errors.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient } from '../../kube/types.ts';
import { serverText } from '../server-text.ts';
import { CLUSTERS, type Cluster } from '../shoots/cluster.ts';
import { NAMESPACES } from './resources.ts';

const ROLE = 'gardener.cloud/role';

/** Reads of what belongs to one shoot namespace, at most one of the Cluster. */
export interface ClusterReader {
  /** True if the namespace is one of a shoot. Other namespaces may have a Cluster as well, but its state counts for nothing. */
  isShootNamespace(): Promise<boolean>;
  /** Undefined if there is none. */
  find(): Promise<Cluster | undefined>;
  /** Throws `failed to get cluster: ...`, also if there is none, in the words of the Go extension. */
  get(): Promise<Cluster>;
}

export function createClusterReader(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): ClusterReader {
  let reading: Promise<Cluster | undefined> | undefined;

  async function read(): Promise<Cluster | undefined> {
    try {
      const { apiVersion, kind, metadata, spec } = await client.get(
        CLUSTERS,
        { name: namespace },
        { signal },
      );
      // A Cluster has up to 500 KB, most of it in its CloudProfile, and stays in memory while an operation waits.
      return { apiVersion, kind, metadata, spec: { shoot: spec?.shoot } };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      const code = isLarderError(error) ? error.code : 'INTERNAL';
      throw new LarderError(code, `failed to get cluster: ${serverText(error)}`, { cause: error });
    }
  }

  const find = (): Promise<Cluster | undefined> => (reading ??= read());
  return {
    find,
    async isShootNamespace() {
      const { metadata } = await client.get(metadataOf(NAMESPACES), { name: namespace }, { signal });
      return metadata.labels?.[ROLE] === 'shoot';
    },
    async get() {
      const cluster = await find();
      if (cluster !== undefined) return cluster;
      const missing = `Cluster.extensions.gardener.cloud "${namespace}" not found`;
      throw new LarderError('KUBE_API', `failed to get cluster: ${missing}`);
    },
  };
}
