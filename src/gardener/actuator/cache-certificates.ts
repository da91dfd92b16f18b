import type { KubeClient } from '../../kube/types.ts';
import type { CacheCertificate } from '../caches/caches-component.ts';
import type { CacheService } from '../caches/cache-services.ts';
import { serverCertificateOf } from '../caches/server-certificate.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CertificateFactory } from '../../kube/certificates/certificate-factory.ts';
import { AUTHORITY_CHECKSUMS } from '../secrets-manager/checksums.ts';
import type { ManagedSecret } from '../secrets-manager/managed-secret.ts';
import { unixSeconds } from '../secrets-manager/secret-labels.ts';
import { createSecretsManager, type SecretsManager } from '../secrets-manager/secrets-manager.ts';
import type { ClusterFacts } from '../shoots/cluster-facts.ts';
import { hasBeenInStatus } from './time-in-status.ts';

const IDENTITY = 'extension-registry-cache';
const AUTHORITY = 'ca-extension-registry-cache';
const AUTHORITY_DAYS = 730;
const DAY_MS = 24 * 3600_000;

/** The successor of an authority is made this long before its end, and signs when nodes have had a week to learn of it. */
const RENEWAL_MS = 90 * DAY_MS;
const NOTICE_MS = 7 * DAY_MS;

export interface CertificatesDeps {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'create' | 'patch' | 'mergePatch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly certificates?: CertificateFactory | undefined;
}

export interface CertificatesOptions {
  readonly namespace: string;
  readonly facts: Pick<ClusterFacts, 'rotationPhase' | 'rotationStart'>;
  /** The bundle that the status of the Extension names so far. */
  readonly publishedBundle: string | undefined;
}

/** The certificates of one shoot's caches, during one reconcile. */
export interface CacheCertificates {
  /** Issues one for each Service with https. Nothing is created if there is none, and the bundle is undefined then. */
  issue(services: readonly CacheService[]): Promise<IssuedCertificates>;
  /** Deletes what was not issued, after the status names what was. */
  cleanup(): Promise<void>;
}

export interface IssuedCertificates {
  readonly certificates: ReadonlyMap<string, CacheCertificate>;
  readonly bundle: string | undefined;
}

/**
 * Opens the certificates of a shoot. The authority is rotated together with those of the shoot, as in the Go extension: until the rotation is
 * being completed, the old one signs and both are trusted. In addition it is renewed 90 days before its end, which the Go extension leaves to
 * the next rotation of the shoot. The old one is trusted until its end then, and signs for another week.
 */
export async function openCertificates(
  deps: CertificatesDeps,
  options: CertificatesOptions,
  signal: AbortSignal,
): Promise<CacheCertificates> {
  const { namespace, facts, publishedBundle } = options;
  const { rotationStart } = facts;
  const manager = await createSecretsManager(
    deps,
    {
      namespace,
      identity: IDENTITY,
      rotatesAuthorities: { beforeEndMs: RENEWAL_MS },
      rotationStarts: new Map(rotationStart === undefined ? [] : [[AUTHORITY, rotationStart]]),
    },
    signal,
  );
  const isRenewed =
    (manager.rotationStart(AUTHORITY) ?? '') !==
    (rotationStart === undefined ? '' : unixSeconds(rotationStart));

  async function signer(): Promise<{ readonly by: ManagedSecret; readonly bundle: string }> {
    const { current, old, bundle } = await manager.authority({
      name: AUTHORITY,
      lifetime: { days: AUTHORITY_DAYS },
      checksum: AUTHORITY_CHECKSUMS[AUTHORITY],
      old: facts.rotationPhase === 'Completing' && !isRenewed ? 'dropped' : 'kept',
      persist: true,
    });
    const mayChange =
      isRenewed &&
      old !== undefined &&
      publishedBundle === bundle.name &&
      (await hasBeenInStatus(deps, { namespace, name: bundle.name, forMs: NOTICE_MS }, signal));
    return { by: mayChange ? current : (old ?? current), bundle: bundle.name };
  }

  return {
    async issue(services) {
      const https = services.filter(({ scheme }) => scheme === 'https');
      if (https.length === 0) return { certificates: new Map(), bundle: undefined };
      const { by, bundle } = await signer();
      return { certificates: await issueAll(manager, https, by), bundle };
    },
    cleanup: () => manager.cleanup(),
  };
}

/** Opens what is left of the certificates, to delete it. */
export async function deleteCertificates(
  deps: CertificatesDeps,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const options = { namespace, identity: IDENTITY, rotatesAuthorities: false };
  const manager = await createSecretsManager(deps, options, signal);
  await manager.cleanup();
}

async function issueAll(
  manager: SecretsManager,
  services: readonly CacheService[],
  signer: ManagedSecret,
): Promise<Map<string, CacheCertificate>> {
  const issued = new Map<string, CacheCertificate>();
  for (const service of services) {
    const { data } = await manager.server(serverCertificateOf(service), signer);
    issued.set(service.upstream, data);
  }
  return issued;
}
