import type { CacheSettings } from './apply-objects.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import type { Intent, KubeClient, KubeObject } from '../../kube/types.ts';
import type { Authority } from '../authority/authority-state.ts';
import { OWNER_ANNOTATION, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { SECRETS } from '../cluster/resources.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import { NAMES_ANNOTATION } from '../authority/cache-certificate.ts';
import { createCertificates } from './ensure-certificate.ts';

export interface CertificateRenewalDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Pick<Watched, 'secrets'>;
}

/** Renews the certificate of a running cache whose configuration can no longer be read. The Secret's annotations have all that this needs. */
export function createCertificateRenewal(
  { client, clock, applier, watched }: CertificateRenewalDeps,
  { namespace, objectLabels }: Pick<CacheSettings, 'namespace' | 'objectLabels'>,
) {
  const ensureCertificate = createCertificates({ client, clock, watched, ensure });

  return async function renewCertificate(
    key: string,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { metadata } of watched.secrets.byIndex(BY_CACHE, key)) {
      const {
        [NAMES_ANNOTATION]: names,
        [OWNER_ANNOTATION]: owner,
        [UPSTREAM_ANNOTATION]: upstream,
      } = metadata.annotations ?? {};
      if (names === undefined || owner === undefined || upstream === undefined) continue;
      const cache = { upstream, serviceNameSuffix: undefined };
      await ensureCertificate({ namespace, objectLabels, owner, cache }, names.split(' '), authority, signal);
    }
  };

  async function ensure(object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const observed = watched.secrets.get(object.metadata);
    const outcome = await applier.ensure(SECRETS, object as Intent<KubeObject>, observed, signal);
    return outcome.kind === 'conflict' ? object : outcome.object;
  }
}
