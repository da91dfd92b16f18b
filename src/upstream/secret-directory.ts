import { X509Certificate } from 'node:crypto';
import type { CacheConfig } from '../api/registry-config-effective.ts';
import { errorText } from '../kit/errors.ts';
import type { Metrics } from '../kit/metrics.ts';
import { passwordCredential, type Credential } from './credential.ts';
import { dockerConfigCredential } from './docker-config.ts';
import { createSecretFiles, type Secret, type SecretFilesDeps } from './secret-files.ts';

/** What a cache's configuration says of its secrets (design, section 4). */
export type SecretSettings = Pick<CacheConfig, 'upstream' | 'remoteURL' | 'caBundleSecretReferenceName'>;

/** The secrets of `--secrets DIR`, as they are at the moment. */
export interface SecretDirectory {
  /** Reads the files again, for who was refused with what they had: a rotation then costs no pull. See `SecretFiles.refresh`. */
  refresh(): Promise<void>;
  /** Gives the login in a secret of a cache; undefined while the secret is missing. */
  credentialOf(cache: SecretSettings, secretName: string): () => Credential | undefined;
  /** Gives the CA certificates of `caBundleSecretReferenceName`, PEM. */
  caBundleOf(cache: SecretSettings): () => string | undefined;
}

export interface SecretDirectoryDeps extends SecretFilesDeps {
  readonly metrics: Metrics;
}

/**
 * Reads `path` (undefined: there are no secrets) and keeps up with changes, see {@link createSecretFiles}. A missing or
 * unusable secret means requests without it, one warning, and the gauge `larder_secrets_missing` at 1 until it is there.
 */
export async function createSecretDirectory(
  deps: SecretDirectoryDeps,
  path: string | undefined,
): Promise<SecretDirectory> {
  const files = path === undefined ? undefined : await createSecretFiles(path, deps);
  const missing = new Map<string, Set<string>>();

  /** What `read` makes of a secret of `upstream`; its failure is reported once, until it succeeds again. */
  function use<T>(upstream: string, secretName: string, read: (secret: Secret) => T): T | undefined {
    const ownMissing = missing.get(upstream) ?? new Set();
    missing.set(upstream, ownMissing);
    try {
      const secret = files?.read(secretName);
      if (secret === undefined)
        throw new Error(
          path === undefined ? 'larder was started without --secrets' : 'there is no such secret',
        );
      const value = read(secret);
      if (ownMissing.delete(secretName))
        deps.logger.info('a configured secret is back', { upstream, secret: secretName });
      return value;
    } catch (error) {
      if (!ownMissing.has(secretName)) {
        deps.logger.warn('a configured secret cannot be used', {
          upstream,
          secret: secretName,
          error: errorText(error),
        });
      }
      ownMissing.add(secretName);
      return undefined;
    } finally {
      deps.metrics.secretsMissing.set({ upstream_host: upstream }, ownMissing.size > 0 ? 1 : 0);
    }
  }

  return {
    refresh: () => files?.refresh() ?? Promise.resolve(),
    credentialOf({ upstream, remoteURL }, secretName) {
      const read = remembered((secret) => readCredential(secret, upstream, remoteURL));
      return () => use(upstream, secretName, read);
    },
    caBundleOf({ upstream, caBundleSecretReferenceName: secretName }) {
      const read = remembered(readBundle);
      return () => (secretName === undefined ? undefined : use(upstream, secretName, read));
    },
  };
}

/** Editors and `echo` end files with a line break, which belongs to neither name nor password. Other white space does. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function readCredential(secret: Secret, upstream: string, remoteURL: string): Credential {
  if (secret.username !== undefined && secret.password !== undefined) {
    const [username, password] = [withoutLineEnd(secret.username), withoutLineEnd(secret.password)];
    if (username !== '' && password !== '') return passwordCredential(username, password);
  }
  const content = secret['.dockerconfigjson'];
  if (content === undefined) throw new Error('expected the keys username and password, or .dockerconfigjson');
  const credential = dockerConfigCredential(content, upstream, remoteURL);
  if (credential === undefined) throw new Error(`its .dockerconfigjson has no login for ${upstream}`);
  return credential;
}

function readBundle(secret: Secret): string {
  const bundle = secret['bundle.crt'];
  if (bundle === undefined) throw new Error('expected the key bundle.crt');
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (certificates.length === 0 || !certificates.every(isCertificate)) {
    throw new Error('expected certificates in PEM form in its bundle.crt');
  }
  return bundle;
}

/** TLS itself would pass over a damaged certificate without a word. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** `read`, run once for each version of a secret: requests come more often than changes. */
function remembered<T>(read: (secret: Secret) => T): (secret: Secret) => T {
  const results = new WeakMap<Secret, { value: T }>();
  return (secret) => {
    const result = results.get(secret) ?? { value: read(secret) };
    results.set(secret, result);
    return result.value;
  };
}
