import type { Clock } from '../../kit/clock.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { Intent, KubeClient, KubeObject } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import { configId } from '../cluster/config-id.ts';
import type { PlannedCache } from '../configs/plan.ts';
import { specId } from '../cluster/spec-id.ts';
import { cacheObjects } from '../render/cache-objects.ts';
import type { CacheValues } from '../render/cache-values.ts';
import { cacheNamesOf, PORTS } from '../render/cache-names.ts';
import { service } from '../render/service.ts';
import { claimName } from '../render/stateful-set.ts';
import { resourceOf } from '../render/rendered-resources.ts';
import type { Service } from '../cluster/resources.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import { readNeededSecrets } from '../secrets/needed-secrets.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';
import { BY_CACHE, cacheKeysOf } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import { subjectNamesOf } from '../authority/cache-certificate.ts';
import type { KnownCacheState } from './cache-states.ts';
import { createCertificates } from './ensure-certificate.ts';
import { growClaim, volumeBytes } from './grow-volume.ts';
import { NameTakenError } from '../ownership/name-taken-error.ts';
import { filesMark, refreshPods } from './refresh-pods.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';
import { isOurs, isServiceOfAnotherCache, existingObject } from '../ownership/existing-objects.ts';

/** What is the same for all caches. */
export type CacheSettings = Pick<
  CacheValues,
  | 'namespace'
  | 'image'
  | 'imagePullSecrets'
  | 'serviceAccountName'
  | 'podLabels'
  | 'priorityClassName'
  | 'claimRetention'
  | 'relayUrl'
  | 'serviceMonitorLabels'
>;

export interface ProvideDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'patch'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly secrets: NamedSecrets;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
}

export interface Provided {
  readonly facts: KnownCacheState;
  /** All that the cache consists of now, but for its certificate. */
  readonly objects: readonly KubeObject[];
}

/**
 * Makes the cluster have everything of one cache, as its configuration says; does nothing where all is as it should be. Throws
 * {@link NameTakenError} while another cache has the name of its Service, {@link NotOwnedError} while somebody has one of its names.
 */
export function createCacheProvider(deps: ProvideDeps, settings: CacheSettings) {
  const { client, clock, applier, watched } = deps;
  const ensureCertificate = createCertificates({ client, clock, watched, ensure });

  return async function provide(
    planned: PlannedCache,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<Provided> {
    const { key, config, owner } = planned;
    const needed = await readNeededSecrets(deps.secrets, config, owner.metadata.namespace, signal);
    const claim = watched.volumeClaims.get({ namespace: settings.namespace, name: claimName(key) });
    const set = watched.statefulSets.get({ namespace: settings.namespace, name: key });
    const values: CacheValues = {
      ...settings,
      cache: config,
      owner: configId(owner),
      secrets: needed.contents,
      volumeBytes: volumeBytes(claim, config.volume.size),
      claimTemplates: set?.spec?.volumeClaimTemplates,
      serviceMonitor: deps.serviceMonitors.isServed(),
    };
    const current: Service = await ensure(service(values), signal);
    // Nodes use a Service of a former name until they are told of this one.
    const former = watched.services
      .byIndex(BY_CACHE, key)
      .filter(({ metadata }) => metadata.name !== current.metadata.name);
    const names = [current, ...former].flatMap(subjectNamesOf);
    const certificate = config.http.tls
      ? await ensureCertificate(values, names, authority, signal)
      : undefined;
    const objects = cacheObjects(values);
    let setGeneration: number | undefined;
    for (const object of objects) {
      if (object.kind === 'Service') continue;
      const { metadata } = await ensure(object, signal);
      if (object.kind === 'StatefulSet') setGeneration = metadata.generation;
    }

    const claimProblem =
      claim === undefined ? undefined : await growClaim(client, claim, config.volume.size, signal);
    const files = objects.filter(({ kind }) => kind === 'Secret' || kind === 'ConfigMap');
    const pods = watched.pods.byIndex(BY_CACHE, key);
    await refreshPods(client, pods, filesMark([...files, certificate]), signal);
    const facts = {
      madeFor: specId(owner),
      setGeneration,
      volumeBytes: values.volumeBytes,
      endpoint: `${config.http.tls ? 'https' : 'http'}://${cacheNamesOf(values).serviceName}.${settings.namespace}.svc:${PORTS.registry}`,
      missingSecrets: needed.missing,
      invalidSecrets: needed.invalid,
      caBundleProblem: needed.caBundleProblem,
      claimProblem,
      problem: undefined,
    };
    return { facts, objects };
  };

  async function ensure(object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const resource = resourceOf(object);
    const observed = existingObject(watched, object);
    // Secrets are watched whoever made them. Of what has lost our label the rest of its metadata has not been kept, or it is not watched at all.
    const there =
      observed !== undefined && isOurs(observed)
        ? observed
        : await find(client, metadataOf(resource), object.metadata, signal);
    if (there !== undefined) refuseOthers(object, there);
    // Rendered here, so it has no version.
    const outcome = await applier.ensure(resource, object as Intent<KubeObject>, observed, signal);
    // Only without force could it be refused, and ours is with.
    return outcome.kind === 'conflict' ? object : outcome.object;
  }
}

/** What has the name of `wanted` and is not this cache's is left alone: what nodes may use still of another, and what is nobody's of ours. */
function refuseOthers(wanted: KubeObject, there: KubeObject): void {
  const isTaken =
    wanted.kind === 'Service' && cacheKeysOf(wanted).some((key) => isServiceOfAnotherCache(there, key));
  if (isTaken) throw new NameTakenError(there);
  if (!isOurs(there)) throw new NotOwnedError(there);
}
