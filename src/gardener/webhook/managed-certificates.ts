import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { managedSecretOf, serverPair, type ManagedSecret } from '../secrets-manager/managed-secret.ts';
import { issueTime, newestFirst } from '../secrets-manager/rotation-starts.ts';
import { managedSelector } from '../secrets-manager/secret-labels.ts';
import type { AuthorityConfig, ServerConfig } from '../secrets-manager/secret-plan.ts';
import {
  createSecretsManager,
  type SecretsManager,
  type SecretsManagerDeps,
  type TrustedAuthority,
} from '../secrets-manager/secrets-manager.ts';
import { isTrustedBy, type TrustedBundle } from './ca-bundle.ts';
import type { WebhookNames } from './webhook-names.ts';

/** Time during which a certificate of the previous authority is still trusted. */
const OVERLAP_MS = 24 * 3600_000;

/** Time for which a new authority is registered before it signs: all API servers know it by then. */
const ANNOUNCE_MS = 4 * 60_000;

export interface ManagedCertificatesOptions {
  readonly names: WebhookNames;
  readonly namespace: string;
  /** DNS names and IP addresses of the server. */
  readonly serverNames: readonly string[];
}

/** Certificates of the webhook server, in Secrets that all replicas share. */
export interface ManagedCertificates {
  /** Server certificates from the newest on, without those whose key does not belong to them. */
  list(signal: AbortSignal): Promise<readonly KeyPair[]>;
  /** Creates authority and server certificate as far as they do not exist or have ended. */
  create(signal: AbortSignal): Promise<KeyPair>;
  /**
   * Renews what is due and deletes what is unused. For the leader alone. `register` makes the API server trust a bundle, and comes before
   * anything is signed by an authority that is new in it. It returns the time of the last change. If it fails, what is trusted already
   * stays in use, and its error is thrown.
   */
  renew(register: (bundle: TrustedBundle) => Promise<number>, signal: AbortSignal): Promise<void>;
}

export function createManagedCertificates(
  deps: SecretsManagerDeps,
  { names, namespace, serverNames }: ManagedCertificatesOptions,
): ManagedCertificates {
  const authorityConfig: AuthorityConfig = {
    name: names.authority,
    checksum: names.authorityChecksum,
    lifetime: { days: 30 },
    old: { forMs: OVERLAP_MS },
  };
  const serverConfig: ServerConfig = {
    name: names.server,
    commonName: names.component,
    names: serverNames,
    lifetime: { years: 10 },
  };

  function open(signal: AbortSignal): Promise<SecretsManager> {
    const { identity } = names;
    return createSecretsManager(deps, { namespace, identity, rotatesAuthorities: true }, signal);
  }

  return {
    async list(signal) {
      const labelSelector = managedSelector(names.identity, names.server);
      const { items } = await deps.client.list(SECRETS, { namespace, labelSelector }, { signal });
      return newestFirst(items.map(managedSecretOf)).map(serverPair).filter(isWhole);
    },

    async create(signal) {
      const manager = await open(signal);
      const authority = await manager.authority(authorityConfig);
      return serverPair(await manager.server(serverConfig, authority.old ?? authority.current));
    },

    async renew(register, signal) {
      const manager = await open(signal);
      const authority = await manager.authority(authorityConfig);
      const othersUntil = issueTime(authority.current) + OVERLAP_MS;
      const [registered] = await Promise.allSettled([
        register({ certificates: authority.certificates, othersUntil }),
      ]);
      signal.throwIfAborted();
      const registeredAt = registered.status === 'fulfilled' ? registered.value : Infinity;
      const signer = signerOf(authority, registeredAt, deps.clock.now());
      await manager.server(serverConfig, signer);
      if (registered.status === 'rejected') throw registered.reason;
      await manager.cleanup();
    },
  };
}

/** The previous authority signs until the current one is known to all API servers. */
function signerOf({ current, old }: TrustedAuthority, registeredAt: number, now: number): ManagedSecret {
  const isAnnounced = now >= Math.max(current.createdAt, registeredAt) + ANNOUNCE_MS;
  return isAnnounced ? current : (old ?? current);
}

/** The first of `pairs` that all registered bundles trust. Undefined if there is none. */
export function trustedPair(
  pairs: readonly KeyPair[],
  bundles: readonly string[],
  now: number,
): KeyPair | undefined {
  return pairs.find(({ certificate }) => bundles.every((bundle) => isTrustedBy(certificate, bundle, now)));
}

function isWhole({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
