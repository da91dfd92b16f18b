import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { validityOf } from '../../kube/certificates/authority.ts';
import type { Secret } from '../resources.ts';
import { secretNames } from '../render/secret-files.ts';
import type { NamedSecrets } from './named-secrets.ts';

/** The Secrets of one cache, and what is wrong with them. Problems name Secrets and keys, never contents. */
export interface NeededSecrets {
  /** By name: what a cache may read of each that exists. */
  readonly contents: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Credentials that cannot be used, a sentence each. */
  readonly missing: readonly string[];
  /** The CA bundle cannot be used. */
  readonly caBundleProblem: string | undefined;
}

/** Reads them in the namespace of the object that asks for the cache. */
export async function readNeededSecrets(
  secrets: NamedSecrets,
  cache: CacheConfig,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<NeededSecrets> {
  const contents = new Map<string, Readonly<Record<string, string>>>();
  for (const name of secretNames(cache)) {
    const secret = await secrets.read({ namespace, name }, signal);
    if (secret !== undefined) contents.set(name, secret.data ?? {});
  }
  const bundle = cache.caBundleSecretReferenceName;
  return {
    contents,
    missing: credentialNames(cache).flatMap((name) => credentialProblem(name, contents.get(name)) ?? []),
    caBundleProblem: bundle === undefined ? undefined : caBundleProblem(bundle, contents.get(bundle)),
  };
}

function credentialNames({ secretReferenceName, credentials }: CacheConfig): string[] {
  const names = [secretReferenceName, ...credentials.map((one) => one.secretReferenceName)];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** As a cache judges it: either both keys of a login, or those of an imagePullSecret. */
function credentialProblem(name: string, data: Secret['data']): string | undefined {
  if (data === undefined) return `Secret ${name} does not exist`;
  const has = (key: string): boolean => (data[key] ?? '') !== '';
  if ((has('username') && has('password')) || has('.dockerconfigjson')) return undefined;
  return `Secret ${name} has neither username and password nor .dockerconfigjson`;
}

/** What is wrong with the `bundle.crt` of a Secret; undefined for nothing. */
export function caBundleProblem(name: string, data: Secret['data']): string | undefined {
  if (data === undefined) return `Secret ${name} does not exist`;
  const bundle = data['bundle.crt'];
  if (bundle === undefined) return `Secret ${name} has no key bundle.crt`;
  const pem = Buffer.from(bundle, 'base64').toString('utf8');
  return validityOf(pem) === undefined ? `bundle.crt of Secret ${name} holds no PEM certificate` : undefined;
}

/**
 * Of a mirror, whose bundle goes into the document for the nodes: all of Mozilla's authorities, as distributions ship them, take 220 KB.
 */
const MOST_BUNDLE_BYTES = 256 * 1024;

/** As {@link caBundleProblem}, for the bundle of a mirror. */
export function mirrorBundleProblem(name: string, data: Secret['data']): string | undefined {
  const bytes = Buffer.byteLength(data?.['bundle.crt'] ?? '', 'base64');
  if (bytes <= MOST_BUNDLE_BYTES) return caBundleProblem(name, data);
  return `bundle.crt of Secret ${name} has ${bytes} bytes, and may have ${MOST_BUNDLE_BYTES}: keep the certificates that the mirror needs`;
}
