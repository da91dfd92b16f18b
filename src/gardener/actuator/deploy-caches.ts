import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import type { CacheService } from '../caches/cache-services.ts';
import { cachesComponent } from '../caches/caches-component.ts';
import { referencedCopies, type SecretCopies } from '../caches/referenced-secrets.ts';
import type { ClusterFacts } from '../shoots/cluster-facts.ts';
import type { CacheCertificates } from './cache-certificates.ts';
import { deployComponent, type DeployDeps } from './deploy-component.ts';
import { deployMonitoring, removeMonitoring } from './deploy-monitoring.ts';

export interface DeployCachesOptions {
  readonly namespace: string;
  readonly facts: ClusterFacts;
  readonly caches: readonly CacheDocument[];
  /** Those of the caches in the shoot, with their addresses. */
  readonly services: readonly CacheService[];
  readonly certificates: CacheCertificates;
  readonly image: string;
  /** True: the caches give their stores back to Distribution. */
  readonly handBack: boolean;
  /** True: the shoot may have caches of `RegistryConfig` objects as well. */
  readonly isReplicated: boolean;
}

/** Purpose of the shoots whose caches nobody watches. */
const UNWATCHED = 'testing';

/**
 * Brings certificates, caches and their monitoring to the seed, and returns the name of the bundle to trust; undefined if no cache serves https.
 * Does not wait for the caches: there may be no nodes yet, and nodes wait for the Extension.
 */
export async function deployCaches(
  deps: DeployDeps,
  { namespace, facts, caches, services, certificates, image, handBack, isReplicated }: DeployCachesOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { client } = deps;
  const { hasAutoscaler, resources, purpose } = facts;
  const issued = await certificates.issue(services);
  const copies = await readCopies(client, namespace, referencedCopies(caches, resources), signal);
  const component = cachesComponent({
    namespace,
    image,
    caches,
    hasAutoscaler,
    certificates: issued.certificates,
    secrets: { resources, copies },
    handBack,
  });
  await deployComponent(deps, component, signal);
  if (purpose === UNWATCHED) await removeMonitoring(client, namespace, signal);
  else await deployMonitoring(client, { namespace, isReplicated }, signal);
  return issued.bundle;
}

/** One that does not exist is left out, and reported with the cache that refers to it. */
async function readCopies(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<SecretCopies> {
  const copies = new Map<string, Readonly<Record<string, string>>>();
  for (const name of names) {
    const secret = await find(client, SECRETS, { namespace, name }, signal);
    if (secret !== undefined) copies.set(name, secret.data ?? {});
  }
  return copies;
}
