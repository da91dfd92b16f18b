import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import { isNotAfter } from '../../kube/resource-version.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import { type CacheIdentity, certificateSecretName } from '../render/cache-names.ts';
import { SECRETS, type Secret } from '../cluster/resources.ts';
import type { Watched } from '../cluster/watched.ts';
import { isValidByContents, isValidByAnnotations, issueFor } from '../authority/cache-certificate.ts';
import { ownerOf, upstreamOf } from '../ownership/existing-objects.ts';

/** Secrets remembered. A forgotten one is read once more. */
const REMEMBERED = 1000;

interface KnownCertificate {
  /** Without its contents. */
  readonly secret: KubeObject;
  readonly certificate: string | undefined;
}

export interface CertificateDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'secrets'>;
  /** Applies the Secret. */
  readonly ensure: (object: KubeObject, signal: AbortSignal) => Promise<KubeObject>;
}

/**
 * Makes sure that a cache has a certificate for `names` that nodes accept, in a Secret marked with its owner, and issues one if not. Returns
 * the certificate, PEM in base64, whatever else changes in the Secret: a landscape that rotates the key of etcd labels every Secret. Reads the contents
 * only when another writer may have changed them.
 */
export function createCertificates({ client, clock, watched, ensure }: CertificateDeps) {
  /** Each Secret as last written, or last found valid. */
  const known = createRecentMap<string, KnownCertificate>(REMEMBERED);

  return async function ensureCertificate(
    values: CacheIdentity,
    names: readonly string[],
    authority: Authority,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const key = { namespace: values.namespace, name: certificateSecretName(values.cache) };
    const seen = watched.secrets.get(key);
    const own = known.get(key.name);
    // The watch may not have delivered a Secret that was written a moment ago.
    const latest =
      seen === undefined || isNotAfter(seen, own?.secret.metadata.resourceVersion) ? own?.secret : seen;
    if (isValidByAnnotations(latest, names, authority, clock.now()) && isOf(latest, values)) {
      if (seen !== undefined && own !== undefined && latest === own.secret) return own.certificate;
      const secret = await find(client, SECRETS, key, signal);
      if (secret !== undefined && isValidByContents(secret, authority)) return remember(secret);
    }
    return remember(await ensure(await issueFor(values, names, authority, clock.now()), signal));
  };

  function remember({ apiVersion, kind, metadata, data }: Secret): string | undefined {
    const certificate = data?.['tls.crt'];
    known.set(metadata.name, { secret: { apiVersion, kind, metadata }, certificate });
    return certificate;
  }
}

function isOf(secret: KubeObject | undefined, { owner, cache }: CacheIdentity): boolean {
  return secret !== undefined && ownerOf(secret) === owner && upstreamOf(secret) === cache.upstream;
}
