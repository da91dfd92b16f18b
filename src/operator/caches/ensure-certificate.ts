import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import { isNotAfter } from '../../kube/resource-version.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import type { CacheIdentity } from '../render/identity.ts';
import { SECRETS } from '../cluster/resources.ts';
import type { Watched } from '../cluster/watched.ts';
import { certificateNameOf, holdsWhatItSays, isGood, issueFor } from '../authority/cache-certificate.ts';
import { askerOf, upstreamOf } from '../ownership/existing-objects.ts';

/** Of whose certificate nothing is remembered, it is read once more. */
const REMEMBERED = 1000;

export interface CertificateDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'secrets'>;
  /** Applies the Secret. */
  readonly ensure: (object: KubeObject, signal: AbortSignal) => Promise<KubeObject>;
}

/**
 * Sees that a cache has a certificate for `names` that nodes accept, in a Secret that says whose it is, and issues one where it has not. Gives the
 * version of that Secret, which tells one certificate from another. The contents are read only when somebody else may have changed them.
 */
export function createCertificates({ client, clock, watched, ensure }: CertificateDeps) {
  /** As they were written, or found to be in order, last; without their contents. */
  const known = new LRUCache<string, KubeObject>({ max: REMEMBERED });

  return async function ensureCertificate(
    values: CacheIdentity,
    names: readonly string[],
    authority: Authority,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const key = { namespace: values.namespace, name: certificateNameOf(values) };
    const seen = watched.secrets.get(key);
    const own = known.get(key.name);
    // What was issued a moment ago may not have been seen yet.
    const latest = seen === undefined || isNotAfter(seen, own?.metadata.resourceVersion) ? own : seen;
    if (isGood(latest, names, authority, clock.now()) && isOf(latest, values)) {
      if (seen !== undefined && latest === own) return latest?.metadata.resourceVersion;
      const secret = await find(client, SECRETS, key, signal);
      if (secret !== undefined && holdsWhatItSays(secret, authority)) return remember(secret);
    }
    return remember(await ensure(await issueFor(values, names, authority, clock.now()), signal));
  };

  function remember({ apiVersion, kind, metadata }: KubeObject): string | undefined {
    known.set(metadata.name, { apiVersion, kind, metadata });
    return metadata.resourceVersion;
  }
}

function isOf(secret: KubeObject | undefined, { askedBy, cache }: CacheIdentity): boolean {
  return secret !== undefined && askerOf(secret) === askedBy && upstreamOf(secret) === cache.upstream;
}
