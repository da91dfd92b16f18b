import type { Clock } from '../../kit/clock.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { isNotAfter } from '../../kube/objects/resource-version.ts';
import type { Intent, KubeClient, KubeObject, ObjectKey } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import { configId } from '../configs/config-id.ts';
import type { PlannedCache } from '../configs/plan.ts';
import { cacheObjects } from '../render/cache-objects.ts';
import type { CacheValues } from '../render/cache-values.ts';
import { identityOf, PORTS } from '../render/identity.ts';
import { service } from '../render/service.ts';
import { claimName } from '../render/stateful-set.ts';
import { resourceOf, SECRETS, type Secret } from '../resources.ts';
import type { NamedSecrets } from '../secrets/named-secrets.ts';
import { readNeededSecrets } from '../secrets/needed-secrets.ts';
import { BY_CACHE, type Watched } from '../watched.ts';
import { certificateNameOf, holdsWhatItSays, isGood, issueFor, serverNameOf } from './cache-certificate.ts';
import type { CacheFacts } from './cache-facts.ts';
import { growClaim, volumeBytes } from './grow-claim.ts';
import { filesMark, refreshPods } from './refresh-pods.ts';
import { standing } from './standing-objects.ts';

/** What is the same for all caches. */
export type CacheSettings = Pick<
  CacheValues,
  'namespace' | 'image' | 'imagePullSecrets' | 'priorityClassName' | 'claimRetention' | 'relayUrl'
>;

export interface ProvideDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'patch'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly secrets: NamedSecrets;
  readonly hasServiceMonitors: (signal: AbortSignal) => Promise<boolean>;
}

/** Makes the cluster have everything of one cache, as its configuration says; does nothing where all is as it should be. */
export function createCacheProvider(deps: ProvideDeps, settings: CacheSettings) {
  const { client, clock, applier, watched } = deps;
  /** Certificates as they were written, or found to be in order, last; without their contents. */
  const issued = new Map<string, KubeObject>();

  return async function provide(
    planned: PlannedCache,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<CacheFacts> {
    const { key, config, holder } = planned;
    const needed = await readNeededSecrets(deps.secrets, config, holder.metadata.namespace, signal);
    const claim = watched.claims.get({ namespace: settings.namespace, name: claimName(key) });
    const set = watched.statefulSets.get({ namespace: settings.namespace, name: key });
    const values: CacheValues = {
      ...settings,
      cache: config,
      askedBy: configId(holder),
      secrets: needed.contents,
      volumeBytes: volumeBytes(claim, config.volume.size),
      claimTemplates: set?.spec?.volumeClaimTemplates,
      serviceMonitor: await deps.hasServiceMonitors(signal),
    };
    const applied = await ensure(service(values), signal);
    const { clusterIP = '' } = (applied as { spec?: { clusterIP?: string } }).spec ?? {};
    const certificate = config.http.tls
      ? await ensureCertificate(values, [serverNameOf(values), clusterIP], authority, signal)
      : undefined;
    const objects = cacheObjects(values);
    for (const object of objects) if (object.kind !== 'Service') await ensure(object, signal);

    const claimProblem =
      claim === undefined ? undefined : await growClaim(client, claim, config.volume.size, signal);
    const files = objects.filter(({ kind }) => kind === 'Secret' || kind === 'ConfigMap');
    const pods = watched.pods.byIndex(BY_CACHE, key);
    await refreshPods(client, pods, filesMark([...files, certificate]), signal);
    return {
      endpoint: `${config.http.tls ? 'https' : 'http'}://${identityOf(values).serviceName}.${settings.namespace}.svc:${PORTS.registry}`,
      missingSecrets: needed.missing,
      caBundleProblem: needed.caBundleProblem,
      claimProblem,
      problem: undefined,
    };
  };

  async function ensure(object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const outcome = await applier.ensure(
      resourceOf(object),
      // Rendered here, so it has no version.
      object as Intent<KubeObject>,
      standing(watched, object),
      signal,
    );
    // Only without force could it be refused, and ours is with.
    return outcome.kind === 'conflict' ? object : outcome.object;
  }

  /** Gives the version of the Secret, which tells one certificate from another. */
  async function ensureCertificate(
    values: CacheValues,
    names: readonly string[],
    authority: Authority,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const key = { namespace: values.namespace, name: certificateNameOf(values) };
    const seen = watched.secrets.get(key);
    const own = issued.get(key.name);
    // What was issued a moment ago may not have been seen yet.
    const latest = seen === undefined || isNotAfter(seen, own?.metadata.resourceVersion) ? own : seen;
    if (isGood(latest, names, authority, clock.now())) {
      if (seen !== undefined && latest === own) return latest?.metadata.resourceVersion;
      const secret = await live(key, signal);
      if (secret !== undefined && holdsWhatItSays(secret, authority)) return remember(secret);
    }
    return remember(await ensure(await issueFor(values, names, authority, clock.now()), signal));
  }

  function remember({ apiVersion, kind, metadata }: KubeObject): string | undefined {
    issued.set(metadata.name, { apiVersion, kind, metadata });
    return metadata.resourceVersion;
  }

  async function live(key: ObjectKey, signal: AbortSignal): Promise<Secret | undefined> {
    try {
      return await client.get(SECRETS, key, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
