import { certificateSecretName } from '../../operator/render/cache-names.ts';
import type { ServerConfig } from '../secrets-manager/secret-plan.ts';
import type { CacheService } from './cache-services.ts';
import { SHOOT_NAMESPACE } from './shoot-names.ts';

const LIFETIME = { days: 90 } as const;

/** The certificate of a cache that serves https, for the DNS names and the address of its Service. */
export function serverCertificateOf({
  name: service,
  upstream,
  clusterIP,
}: Pick<CacheService, 'name' | 'upstream' | 'clusterIP'>): ServerConfig {
  const name = certificateSecretName({ upstream });
  const inNamespace = `${service}.${SHOOT_NAMESPACE}`;
  const dnsNames = [service, inNamespace, `${inNamespace}.svc`, `${inNamespace}.svc.cluster.local`];
  return { name, commonName: name, names: [...dnsNames, clusterIP], lifetime: LIFETIME };
}
