import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { Intent, KubeClient, KubeObject } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import { subjectNamesOf } from '../authority/cache-certificate.ts';
import { configId } from '../cluster/config-id.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import { resourceOf } from '../render/rendered-resources.ts';
import type { VolumeClaim, Service } from '../cluster/resources.ts';
import { specId } from '../cluster/spec-id.ts';
import { BY_CACHE, cacheKeysOf } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import type { PlannedCache } from '../configs/plan.ts';
import { isOurs, isServiceOfAnotherCache, existingObject } from '../ownership/existing-objects.ts';
import { NameTakenError } from '../ownership/name-taken-error.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';
import { cacheObjects } from '../render/cache-objects.ts';
import type { CacheValues } from '../render/cache-values.ts';
import { cacheNamesOf, PORTS } from '../render/cache-names.ts';
import { service } from '../render/service.ts';
import { secretObjectName, TRUSTED_CA_FILE } from '../render/secret-object.ts';
import { claimName } from '../render/stateful-set.ts';
import { readNeededSecrets } from '../secrets/needed-secrets.ts';
import type { TrustedCaView } from '../secrets/trusted-ca.ts';
import type { KnownCacheState } from './cache-states.ts';
import { createCertificates } from './ensure-certificate.ts';
import { volumeBytes } from './grow-volume.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';

/** The settings that all caches share. */
export type CacheSettings = Pick<
  CacheValues,
  | 'namespace'
  | 'image'
  | 'imagePullSecrets'
  | 'serviceAccountName'
  | 'podLabels'
  | 'objectLabels'
  | 'tolerations'
  | 'nodeSelector'
  | 'priorityClassName'
  | 'claimRetention'
  | 'relayUrl'
  | 'serviceMonitorLabels'
>;

export interface ObjectsApplierDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly secrets: NamedSecrets;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
  readonly trustedCa: Pick<TrustedCaView, 'get'>;
}

export interface AppliedObjects {
  readonly state: Omit<KnownCacheState, 'volumeProblem' | 'problem'>;
  /** The claim from which the size was taken; undefined if there is none yet. */
  readonly claim: VolumeClaim | undefined;
  /** All objects of the cache, except its certificate. */
  readonly objects: readonly KubeObject[];
  /** Everything that the pod mounts. Changes with each of its files. */
  readonly files: readonly unknown[];
}

/**
 * Applies every object of a cache as configured, and writes nothing where they are already so. Throws {@link NameTakenError} while another
 * cache has the name of its Service, {@link NotOwnedError} while an object that is not Larder's has one of its names.
 */
export function createObjectsApplier(deps: ObjectsApplierDeps, settings: CacheSettings) {
  const { client, clock, applier, watched } = deps;
  const ensureCertificate = createCertificates({ client, clock, watched, ensure });

  return async function applyObjects(
    planned: PlannedCache,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<AppliedObjects> {
    const { key, config, owner } = planned;
    const needed = await readNeededSecrets(deps.secrets, config, owner.metadata.namespace, signal);
    const claim = watched.volumeClaims.get({ namespace: settings.namespace, name: claimName(key) });
    const set = watched.statefulSets.get({ namespace: settings.namespace, name: key });
    const values: CacheValues = {
      ...settings,
      cache: config,
      owner: configId(owner),
      secrets: needed.contents,
      trustedCa: await trustedCaOf(config, signal),
      volumeBytes: volumeBytes(claim, config.volume.size),
      claimTemplates: set?.spec?.volumeClaimTemplates,
      serviceMonitor: deps.serviceMonitors.isServed(),
    };
    const current: Service = await ensure(service(values), signal);
    // Nodes use a Service under a former name until the node document has the current one.
    const former = watched.services
      .byIndex(BY_CACHE, key)
      .filter(({ metadata }) => metadata.name !== current.metadata.name);
    const names = [current, ...former].flatMap(subjectNamesOf);
    const certificate = config.http.tls
      ? await ensureCertificate(values, names, authority, signal)
      : undefined;
    const objects = cacheObjects(values);
    let appliedGeneration: number | undefined;
    for (const object of objects) {
      if (object.kind === 'Service') continue;
      const { metadata } = await ensure(object, signal);
      if (object.kind === 'StatefulSet') appliedGeneration = metadata.generation;
    }
    const mounted = objects.filter(({ kind }) => kind === 'Secret' || kind === 'ConfigMap');
    const state = {
      appliedSpec: specId(owner),
      appliedGeneration,
      volumeBytes: values.volumeBytes,
      endpoint: urlOf(values),
      missingSecrets: needed.missing,
      invalidSecrets: needed.invalid,
      caBundleProblem: needed.caBundleProblem,
    };
    return { state, claim, objects, files: [...mounted, certificate] };
  };

  /** After a restart the certificates from before those that cannot be used are known to the cache alone. */
  async function trustedCaOf(cache: CacheConfig, signal: AbortSignal): Promise<string | undefined> {
    const { bundle, problem } = deps.trustedCa.get();
    if (bundle !== undefined) return Buffer.from(bundle).toString('base64');
    if (problem === undefined) return undefined;
    const key = { namespace: settings.namespace, name: secretObjectName(cache) };
    const secret = await deps.secrets.read(key, signal);
    return secret !== undefined && isOurs(secret) ? secret.data?.[TRUSTED_CA_FILE] : undefined;
  }

  async function ensure(object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const resource = resourceOf(object);
    const observed = existingObject(watched, object);
    // Secrets are watched whoever made them. Other objects without our label are not watched, and of Secrets without it only part of the
    // metadata is kept.
    const found =
      observed !== undefined && isOurs(observed)
        ? observed
        : await find(client, metadataOf(resource), object.metadata, signal);
    if (found !== undefined) refuseOthers(object, found);
    // Rendered here, so it has no resource version.
    const outcome = await applier.ensure(resource, object as Intent<KubeObject>, observed, signal);
    // Cannot be a conflict: the apply is forced.
    return outcome.kind === 'conflict' ? object : outcome.object;
  }
}

function urlOf(values: CacheValues): string {
  const scheme = values.cache.http.tls ? 'https' : 'http';
  return `${scheme}://${cacheNamesOf(values).serviceName}.${values.namespace}.svc:${PORTS.registry}`;
}

/** Throws if `found`, which has the name of `wanted`, is the Service of another cache that nodes may still use, or not Larder's. */
function refuseOthers(wanted: KubeObject, found: KubeObject): void {
  const isTaken =
    wanted.kind === 'Service' && cacheKeysOf(wanted).some((key) => isServiceOfAnotherCache(found, key));
  if (isTaken) throw new NameTakenError(found);
  if (!isOurs(found)) throw new NotOwnedError(found);
}
