import { caBundleProblem } from '../../api/secrets/ca-bundle-rules.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';
import { secretNotFound, secretText } from './secret-text.ts';

/**
 * Largest CA bundle of a mirror. The bundle becomes a part of the node document. All authorities of Mozilla, as distributions ship them, take
 * 220 KB.
 */
const MOST_BYTES = 256 * 1024;

/** Checks the CA bundle in a Secret by the rules of the cache. Undefined if it is valid. `data` is undefined if the Secret does not exist. */
export function bundleProblem(key: ObjectKey, data: Secret['data']): string | undefined {
  if (data === undefined) return secretNotFound(key, 'caBundleSecretReferenceName');
  return caBundleProblem(secretText(data, 'bundle.crt'), `${key.namespace}/${key.name}`);
}

/** Checks the CA bundle of a mirror as {@link bundleProblem} does, and its size. */
export function mirrorBundleProblem(key: ObjectKey, data: Secret['data']): string | undefined {
  const bytes = Buffer.byteLength(data?.['bundle.crt'] ?? '', 'base64');
  if (bytes <= MOST_BYTES) return bundleProblem(key, data);
  return `bundle.crt of Secret ${key.name} has ${bytes} bytes, but at most ${MOST_BYTES} are allowed: keep only the certificates that the mirror needs`;
}
