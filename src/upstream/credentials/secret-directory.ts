import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { isCaBundle } from '../../api/secrets/ca-bundle-rules.ts';
import { TRUSTED_CA, withoutLineEnd } from '../../api/secrets/secret-files.ts';
import { errorText } from '../../kit/errors.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import { passwordCredential, type Credential } from './credential.ts';
import { dockerConfigCredential } from './docker-config.ts';
import type { Logger } from '../../kit/logger.ts';
import type { SecretData, SecretFiles } from './secret-files.ts';

/** The fields of a cache's configuration that secrets depend on (docs/reference/configuration.md). */
export type SecretSettings = Pick<CacheConfig, 'upstream' | 'remoteURL' | 'caBundleSecretReferenceName'>;

/** The current secrets, as they are needed. */
export interface SecretDirectory {
  /** Reads the files again after the upstream refused a credential, so that a rotation costs no pull. See `SecretFiles.refresh`. */
  refresh(): Promise<void>;
  /** Opens the secrets of one cache. The gauge of an upstream follows the cache that was opened last for this upstream. */
  open(cache: SecretSettings): CacheSecrets;
}

/** The secrets of one cache. Each is read now, when it changes, and when it is used. */
export interface CacheSecrets {
  /**
   * Returns a function that gives the credential in a secret, undefined while the secret is missing. Calls `onRead` with the credential
   * each time the secret was read.
   */
  credentialOf(
    secretName: string,
    onRead?: (credential: Credential | undefined) => void,
  ): () => Credential | undefined;
  /** Returns a function that gives the CA certificates of `caBundleSecretReferenceName` and those that all caches trust, PEM. */
  caBundle(): () => string | undefined;
  /** Stops reporting on these secrets. */
  close(): void;
}

export interface SecretDirectoryDeps {
  readonly logger: Logger;
  readonly metrics: UpstreamMetrics;
}

/**
 * Parses the secrets in `files`, and keeps up with changes. Without files there are no secrets. A missing or unusable secret means
 * requests without a credential, one warning, and the gauge `larder_secrets_missing` at 1 until the secret can be used.
 */
export function createSecretDirectory(
  deps: SecretDirectoryDeps,
  files: SecretFiles | undefined,
): SecretDirectory {
  /** The secrets in use, by upstream. */
  const usesByUpstream = new Map<string, Set<SecretUse>>();
  files?.onChange(() => {
    for (const uses of usesByUpstream.values()) for (const use of uses) use.readSecret();
  });

  function open({
    upstream,
    remoteURL,
    caBundleSecretReferenceName: bundleName,
  }: SecretSettings): CacheSecrets {
    const uses = new Set<SecretUse>();
    const labels = { upstream_host: upstream };
    usesByUpstream.set(upstream, uses);
    updateMissingGauge();

    function updateMissingGauge(): void {
      if (usesByUpstream.get(upstream) !== uses) return;
      deps.metrics.secretsMissing.set(labels, [...uses].some(({ isMissing }) => isMissing) ? 1 : 0);
    }

    /** Reads a secret now and when it changes. Returns the function that reads the secret once more and gives the parsed value. */
    function useSecret<T>(
      secretName: string,
      parse: (secret: SecretData) => T,
      onRead: (value: T | undefined) => void,
    ) {
      const use: SecretUse = { isMissing: false, readSecret };
      function readSecret(): T | undefined {
        const value = parseSecretOrWarn(use, secretName, parse);
        onRead(value);
        updateMissingGauge();
        return value;
      }
      uses.add(use);
      readSecret();
      return readSecret;
    }

    /** Logs a failure once, until the secret can be parsed again. */
    function parseSecretOrWarn<T>(
      use: SecretUse,
      secretName: string,
      parse: (secret: SecretData) => T,
    ): T | undefined {
      try {
        const value = parse(secretNamed(secretName));
        if (use.isMissing) deps.logger.info('a configured secret is back', { upstream, secret: secretName });
        use.isMissing = false;
        return value;
      } catch (error) {
        if (!use.isMissing) {
          const why = errorText(error);
          deps.logger.warn('a configured secret cannot be used', {
            upstream,
            secret: secretName,
            error: why,
          });
        }
        use.isMissing = true;
        return undefined;
      }
    }

    return {
      credentialOf(secretName, onRead = () => {}) {
        const parse = oncePerVersion((secret) => parseCredential(secret, upstream, remoteURL));
        return useSecret(secretName, parse, onRead);
      },
      caBundle() {
        const own =
          bundleName === undefined
            ? () => undefined
            : useSecret(bundleName, oncePerVersion(parseBundle), () => {});
        const join = oncePerPair((one: string, other: string) => `${one.trimEnd()}\n${other}`);
        return () => {
          const [bundle, trusted] = [own(), trustedCa()];
          return bundle === undefined || trusted === undefined ? (bundle ?? trusted) : join(bundle, trusted);
        };
      },
      close() {
        if (usesByUpstream.get(upstream) !== uses) return;
        usesByUpstream.delete(upstream);
        deps.metrics.secretsMissing.remove(labels);
      },
    };
  }

  /** The operator has checked them. Nobody who reads this log could mend them. */
  function trustedCa(): string | undefined {
    const found = files?.read(TRUSTED_CA);
    return found === undefined ? undefined : usableBundle(found);
  }

  function secretNamed(name: string): SecretData {
    const secret = files?.read(name);
    if (secret !== undefined) return secret;
    throw new Error(files === undefined ? 'larder was started without --secrets' : 'there is no such secret');
  }

  return { refresh: () => files?.refresh() ?? Promise.resolve(), open };
}

/** One secret that a cache uses. */
interface SecretUse {
  isMissing: boolean;
  readonly readSecret: () => unknown;
}

function parseCredential(secret: SecretData, upstream: string, remoteURL: string): Credential {
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

function parseBundle(secret: SecretData): string {
  const bundle = secret['bundle.crt'];
  if (bundle === undefined) throw new Error('expected the key bundle.crt');
  if (!isCaBundle(bundle)) throw new Error('expected certificates in PEM form in its bundle.crt');
  return bundle;
}

const usableBundle = oncePerVersion(({ 'bundle.crt': bundle }) =>
  bundle !== undefined && isCaBundle(bundle) ? bundle : undefined,
);

/** Runs `make` again only when one of the texts has changed. */
function oncePerPair(make: (one: string, other: string) => string) {
  let last: { readonly one: string; readonly other: string; readonly made: string } | undefined;
  return (one: string, other: string): string => {
    if (last?.one !== one || last.other !== other) last = { one, other, made: make(one, other) };
    return last.made;
  };
}

/** Runs `parse` once for each version of a secret, because requests come more often than changes. */
function oncePerVersion<T>(parse: (secret: SecretData) => T): (secret: SecretData) => T {
  const results = new WeakMap<SecretData, { value: T }>();
  return (secret) => {
    const result = results.get(secret) ?? { value: parse(secret) };
    results.set(secret, result);
    return result.value;
  };
}
