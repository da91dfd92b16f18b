import { isLarderError } from '../kit/errors.ts';
import { find } from '../kube/objects/find.ts';
import { metadataOf } from '../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ObjectKey } from '../kube/types.ts';
import { SECRETS } from '../operator/cluster/resources.ts';
import { referencedCopies } from './caches/referenced-secrets.ts';
import { EXTENSIONS } from './extensions/resources.ts';
import { larderFields, shootExtensions, type ShootExtensions } from './larder-fields.ts';
import { CLUSTERS, type Cluster } from './shoots/cluster.ts';

/** A shoot with fields that the Go extension refuses. */
export interface ShootWithLarderFields {
  /** Namespace in the seed. */
  readonly namespace: string;
  /** `NAMESPACE/NAME` in the garden. Undefined if there is no Cluster. */
  readonly shoot: string | undefined;
  /**
   * Complete paths in the `providerConfig`, in its order. A reference to a Secret that Go cannot read has a remark. A Cluster that cannot be
   * read is a remark of its own, in the first place.
   */
  readonly fields: readonly string[];
}

export interface LarderFieldsReport {
  /** Sorted by namespace. */
  readonly found: readonly ShootWithLarderFields[];
  /** Number of all shoots that were looked at. */
  readonly shoots: number;
}

/** gardenlet names the Extension after its type. */
const EXTENSION = 'registry-cache';

/**
 * Looks for fields that only Larder has in the Shoots of a seed, and in the Extensions that gardenlet has made of them, which differ while a
 * change waits for the next reconcile. Reads one Cluster after the other and keeps none of them, since each has 50 to 500 KB. Throws the
 * errors of the client.
 */
export async function listLarderFields(
  client: Pick<KubeClient, 'get' | 'list'>,
  signal: AbortSignal,
): Promise<LarderFieldsReport> {
  const found: ShootWithLarderFields[] = [];
  const namespaces = await shootNamespaces(client, signal);
  for (const namespace of namespaces) {
    const { shoot, problem } = await shootIn(client, namespace, signal);
    const extension = await find(client, EXTENSIONS, { namespace, name: EXTENSION }, signal);
    const configurations = [...(shoot?.configurations ?? []), extension?.spec?.providerConfig];
    const remarks = problem === undefined ? [] : [`(${problem})`];
    const fields = [...remarks, ...(await fieldsOf(client, { namespace, shoot, configurations }, signal))];
    if (fields.length > 0) found.push({ namespace, shoot: shoot?.shoot, fields });
  }
  return { found, shoots: namespaces.length };
}

/** Namespaces of all shoots, and of Extensions whose Cluster is gone. */
async function shootNamespaces(client: Pick<KubeClient, 'list'>, signal: AbortSignal): Promise<string[]> {
  const clusters = await client.list(metadataOf(CLUSTERS), {}, { signal });
  const extensions = await client.list(metadataOf(EXTENSIONS), {}, { signal });
  const names = [
    ...clusters.items.map(({ metadata }) => metadata.name),
    ...extensions.items.filter(({ metadata }) => metadata.name === EXTENSION).map(namespaceOf),
  ];
  return [...new Set(names)].toSorted();
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? '';
}

async function shootIn(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): Promise<{ readonly shoot?: ShootExtensions; readonly problem?: string }> {
  const cluster: Cluster | undefined = await find(client, CLUSTERS, { name: namespace }, signal);
  if (cluster === undefined) return {};
  try {
    return { shoot: shootExtensions(cluster) };
  } catch (error) {
    if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
    return { problem: error.message };
  }
}

interface Configurations {
  readonly namespace: string;
  readonly shoot: ShootExtensions | undefined;
  readonly configurations: readonly unknown[];
}

async function fieldsOf(
  client: Pick<KubeClient, 'get'>,
  { namespace, shoot, configurations }: Configurations,
  signal: AbortSignal,
): Promise<string[]> {
  const fields = new Set<string>();
  for (const { paths, references } of configurations.map(larderFields)) {
    for (const path of paths) fields.add(path);
    for (const [path, reference] of references) {
      const [name] = referencedCopies(
        [{ secretReferenceName: reference, credentials: [] }],
        shoot?.resources ?? [],
      );
      if (name !== undefined && (await isDockerConfig(client, { namespace, name }, signal)))
        fields.add(`${path} (Secret of type ${DOCKER_CONFIG})`);
    }
  }
  return [...fields];
}

const DOCKER_CONFIG = 'kubernetes.io/dockerconfigjson';

/** The Go extension reads `username` and `password` alone, and leaves the login out without a word if one is missing. */
async function isDockerConfig(
  client: Pick<KubeClient, 'get'>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<boolean> {
  const { data = {} } = (await find(client, SECRETS, key, signal)) ?? {};
  return '.dockerconfigjson' in data && !('username' in data && 'password' in data);
}
