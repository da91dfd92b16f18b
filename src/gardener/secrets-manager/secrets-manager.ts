import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CertificateFactory } from '../../kube/certificates/certificate-factory.ts';
import { createRsaAuthority, issueRsaCertificate } from '../../kube/certificates/rsa-authority.ts';
import { isConflict } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import {
  authorityData,
  authorityPair,
  bundleData,
  bundleText,
  managedSecretOf,
  serverData,
  type ManagedSecret,
} from './managed-secret.ts';
import { rotationStarts, type RotationOptions } from './rotation-starts.ts';
import { managedSelector } from './secret-labels.ts';
import {
  oldAuthority,
  planAuthority,
  planBundle,
  planServer,
  unusedSecrets,
  validityFrom,
  type AuthorityConfig,
  type SecretsState,
  type ServerConfig,
} from './secret-plan.ts';
import { createSecretWriter } from './secret-writer.ts';

export interface SecretsManagerDeps {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'create' | 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: RSA as Gardener makes it. */
  readonly certificates?: CertificateFactory | undefined;
}

export interface SecretsManagerOptions extends RotationOptions {
  readonly namespace: string;
  /** Marks the Secrets of this manager. No others are changed or deleted. */
  readonly identity: string;
}

/** An authority with its predecessor, if that is still trusted. */
export interface TrustedAuthority {
  readonly current: ManagedSecret;
  readonly old: ManagedSecret | undefined;
  readonly bundle: ManagedSecret;
  /** Certificates to trust, current first, in PEM. */
  readonly certificates: string;
}

/**
 * Makes and keeps the certificates of one identity in Secrets that gardenlet and the Go library can read, take over and save
 * (gardener v1.147.1, `pkg/utils/secrets/manager`). A Secret that exists under the computed name is used as it is, whoever created it.
 * Every method throws `KUBE_API` or `KUBE_UNREACHABLE` with the words of the Go library.
 */
export interface SecretsManager {
  /** Start of the last rotation of a configuration in seconds since the epoch. Empty or undefined if there was none. */
  rotationStart(configName: string): string | undefined;
  /** Returns the authority and its bundle, which are created if they do not exist. */
  authority(config: AuthorityConfig): Promise<TrustedAuthority>;
  /** Returns a server certificate that `signer` has signed. It is created if it does not exist. */
  server(config: ServerConfig, signer: ManagedSecret): Promise<ManagedSecret>;
  /** Deletes the Secrets that existed when the manager was created and that it has not returned. */
  cleanup(): Promise<void>;
}

/**
 * Creates a manager for one run: it reads the Secrets once, and decides what has to be renewed. `signal` ends all its calls. Throws as the
 * methods do.
 */
export async function createSecretsManager(
  deps: SecretsManagerDeps,
  options: SecretsManagerOptions,
  signal: AbortSignal,
): Promise<SecretsManager> {
  const { client, clock, logger, certificates = RSA } = deps;
  const { namespace, identity } = options;
  const writer = createSecretWriter(deps, { namespace, identity }, signal);
  const { items } = await client.list(
    SECRETS,
    { namespace, labelSelector: managedSelector(identity) },
    { signal },
  );
  const existing = items.map(managedSecretOf);
  const now = clock.now();
  const starts = rotationStarts(existing, now, options);
  const state: SecretsState = { identity, existing, starts, now };
  const used = new Set<string>();

  function use(secret: ManagedSecret): ManagedSecret {
    used.add(secret.name);
    return secret;
  }

  return {
    rotationStart: (configName) => starts.get(configName),

    async authority(config) {
      const plan = planAuthority(state, config);
      const current = use(
        await writer.ensure(plan, async () =>
          authorityData(await certificates.authority(plan.name, validityFrom(now, config.lifetime))),
        ),
      );
      const old = oldAuthority(state, config, current);
      if (old !== undefined) use(old);
      const trusted = [current, ...(old === undefined ? [] : [old])].map(
        (one) => authorityPair(one).certificate,
      );
      const bundle = use(
        await writer.ensure(planBundle(state, config, trusted), () => Promise.resolve(bundleData(trusted))),
      );
      return { current, old, bundle, certificates: bundleText(bundle) };
    },

    async server(config, signer) {
      return use(
        await writer.ensure(planServer(state, config, signer), async () =>
          serverData(
            await certificates.server(authorityPair(signer), config, validityFrom(now, config.lifetime)),
          ),
        ),
      );
    },

    async cleanup() {
      for (const { name, uid } of unusedSecrets(existing, used)) {
        logger.info('deleting a Secret that is not used any more', { secret: `${namespace}/${name}` });
        try {
          await client.delete(SECRETS, { namespace, name }, { signal, ...(uid !== undefined && { uid }) });
        } catch (error) {
          // Another one of the same name exists by now.
          if (!isConflict(error)) throw error;
        }
      }
    },
  };
}

const RSA: CertificateFactory = { authority: createRsaAuthority, server: issueRsaCertificate };
