import { writeAddedConfig, writeHandBack } from '../../api/distribution-config/added-config.ts';
import { ADDED_FILE, DISTRIBUTION_FILE } from '../../api/distribution-config/files.ts';
import { writeDistributionConfig } from '../../api/distribution-config/write.ts';
import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { fileNameOf, withoutLineEnd } from '../../api/secrets/secret-files.ts';
import { secretKeysOf } from '../../operator/render/secret-object.ts';
import { shortHash } from '../managed-resources/references.ts';
import { uniqueSecret, type UniqueSecret } from '../managed-resources/unique-secret.ts';
import { distributionDocumentOf, type CacheLogin } from './distribution-document.ts';
import { readReference, type ReferencedSecrets } from './referenced-secrets.ts';
import { SHOOT_NAMESPACE, shootNamesOf } from './shoot-names.ts';

/**
 * Renders the Secret with the configuration of a cache: Distribution's file, and only for a cache with settings of Larder's own the file with
 * these and the entries of the Secrets that it names (decision 0018). With `handBack`, that file also says that the cache gives its store back
 * to Distribution (decision 0021). Throws `CONFIG_INVALID` if a reference leads nowhere.
 */
export function configSecret(
  cache: CacheDocument,
  secrets: ReferencedSecrets,
  handBack = false,
): UniqueSecret {
  const { name, labels } = shootNamesOf(cache);
  const { secretReferenceName: reference } = cache;
  const login = reference === undefined ? {} : readReference(secrets, reference);
  const config = writeDistributionConfig(distributionDocumentOf(cache, loginIn(login)));
  const added = writeAddedConfig(withFileNames(cache), DOCKER_CONFIG in login);
  const file = handBack ? writeHandBack(added) : added;
  const data = {
    [DISTRIBUTION_FILE]: base64(config),
    ...(file !== undefined && { [ADDED_FILE]: base64(file) }),
    ...(added !== undefined && secretEntries(cache, secrets)),
  };
  return uniqueSecret({ base: `${name}-config`, namespace: SHOOT_NAMESPACE, labels, data });
}

/** Distribution has no words for a login in this form. */
const DOCKER_CONFIG = '.dockerconfigjson';

/** The login of a Secret. Undefined if a part is missing or empty, as in the Go extension. */
function loginIn(secret: Readonly<Record<string, string>>): CacheLogin | undefined {
  const text = (key: string): string => withoutLineEnd(Buffer.from(secret[key] ?? '', 'base64').toString());
  const [username, password] = [text('username'), text('password')];
  return username === '' || password === '' ? undefined : { username, password };
}

/** The entries that the file of Larder's own settings refers to. */
function secretEntries(cache: CacheDocument, secrets: ReferencedSecrets): Readonly<Record<string, string>> {
  const data: Record<string, string> = {};
  for (const { name, key } of secretKeysOf(cache)) {
    const content = readReference(secrets, name)[key];
    if (content !== undefined) data[fileNameOf(fileStem(name), key)] = content;
  }
  return data;
}

/** The cache with references that can be keys of a Secret. */
function withFileNames(cache: CacheDocument): CacheDocument {
  const renamed = (name: string | undefined) => (name === undefined ? undefined : fileStem(name));
  return {
    ...cache,
    secretReferenceName: renamed(cache.secretReferenceName),
    caBundleSecretReferenceName: renamed(cache.caBundleSecretReferenceName),
    credentials: cache.credentials.map((credential) => ({
      ...credential,
      secretReferenceName: renamed(credential.secretReferenceName),
    })),
  };
}

/** Gardener does not say how an entry of `spec.resources` may be called. */
function fileStem(reference: string): string {
  return /^[A-Za-z0-9][-._A-Za-z0-9]{0,199}$/.test(reference) ? reference : `ref-${shortHash(reference)}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
