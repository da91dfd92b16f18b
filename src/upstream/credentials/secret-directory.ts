import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { isCaBundle } from '../../api/secrets/ca-bundle-rules.ts';
import { withoutLineEnd } from '../../api/secrets/secret-files.ts';
import { errorText } from '../../kit/errors.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import { passwordCredential, type Credential } from './credential.ts';
import { dockerConfigCredential } from './docker-config.ts';
import { createSecretFiles, type Secret, type SecretFilesDeps } from './secret-files.ts';

/** What a cache's configuration says of its secrets (design, section 4). */
export type SecretSettings = Pick<CacheConfig, 'upstream' | 'remoteURL' | 'caBundleSecretReferenceName'>;

/** The secrets of `--secrets DIR`, as they are at the moment. */
export interface SecretDirectory {
  /** Reads the files again, for who was refused with what they had: a rotation then costs no pull. See `SecretFiles.refresh`. */
  refresh(): Promise<void>;
  /** What one cache reads of them. Of one upstream the gauge speaks for that which was opened last. */
  open(cache: SecretSettings): CacheSecrets;
}

/** The secrets of one cache. Each is looked at now, when it changes, and when it is used. */
export interface CacheSecrets {
  /** Gives the login in a secret; undefined while the secret is missing. `told` learns what it gives each time it was looked at. */
  credentialOf(
    secretName: string,
    told?: (credential: Credential | undefined) => void,
  ): () => Credential | undefined;
  /** Gives the CA certificates of `caBundleSecretReferenceName`, PEM. */
  caBundle(): () => string | undefined;
  /** Nobody is interested any more. */
  close(): void;
}

export interface SecretDirectoryDeps extends SecretFilesDeps {
  readonly metrics: UpstreamMetrics;
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
  /** By upstream. */
  const opened = new Map<string, Set<Use>>();
  files?.onChange(() => {
    for (const uses of opened.values()) for (const use of uses) use.look();
  });

  function open({
    upstream,
    remoteURL,
    caBundleSecretReferenceName: bundleName,
  }: SecretSettings): CacheSecrets {
    const uses = new Set<Use>();
    const labels = { upstream_host: upstream };
    opened.set(upstream, uses);
    show();

    function show(): void {
      if (opened.get(upstream) !== uses) return;
      deps.metrics.secretsMissing.set(labels, [...uses].some(({ isMissing }) => isMissing) ? 1 : 0);
    }

    /** Gives what `read` makes of a secret; its failure is reported once, until it succeeds again. */
    function use<T>(secretName: string, read: (secret: Secret) => T, told: (value: T | undefined) => void) {
      const own: Use = { isMissing: false, look };
      function look(): T | undefined {
        const value = tryToRead(own, secretName, read);
        told(value);
        show();
        return value;
      }
      uses.add(own);
      look();
      return look;
    }

    function tryToRead<T>(own: Use, secretName: string, read: (secret: Secret) => T): T | undefined {
      try {
        const value = read(secretAt(secretName));
        if (own.isMissing) deps.logger.info('a configured secret is back', { upstream, secret: secretName });
        own.isMissing = false;
        return value;
      } catch (error) {
        if (!own.isMissing) {
          const why = errorText(error);
          deps.logger.warn('a configured secret cannot be used', {
            upstream,
            secret: secretName,
            error: why,
          });
        }
        own.isMissing = true;
        return undefined;
      }
    }

    return {
      credentialOf(secretName, told = () => {}) {
        const read = remembered((secret) => readCredential(secret, upstream, remoteURL));
        return use(secretName, read, told);
      },
      caBundle: () =>
        bundleName === undefined ? () => undefined : use(bundleName, remembered(readBundle), () => {}),
      close() {
        if (opened.get(upstream) !== uses) return;
        opened.delete(upstream);
        deps.metrics.secretsMissing.remove(labels);
      },
    };
  }

  function secretAt(name: string): Secret {
    const secret = files?.read(name);
    if (secret !== undefined) return secret;
    throw new Error(path === undefined ? 'larder was started without --secrets' : 'there is no such secret');
  }

  return { refresh: () => files?.refresh() ?? Promise.resolve(), open };
}

/** One secret that a cache uses. */
interface Use {
  isMissing: boolean;
  readonly look: () => unknown;
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
  if (!isCaBundle(bundle)) throw new Error('expected certificates in PEM form in its bundle.crt');
  return bundle;
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
