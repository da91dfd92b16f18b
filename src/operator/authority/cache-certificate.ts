import { createPrivateKey, X509Certificate } from 'node:crypto';
import { issueCertificate, validityOf } from '../../kube/certificates/authority.ts';
import { DEFAULT_ROTATION, isDue } from '../../kube/certificates/rotation.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Authority } from './authority-state.ts';
import { cacheObject, cacheNamesOf, type CacheIdentity } from '../render/cache-names.ts';
import type { Secret, Service } from '../cluster/resources.ts';

/** Of the Secret: the authority that signed, so that a change of it is seen without reading the contents. */
export const SIGNED_BY_ANNOTATION = 'larder/signed-by';
const VALID_FROM = 'larder/valid-from';
const VALID_UNTIL = 'larder/valid-until';
/** What the certificate is for, with blanks between. */
export const NAMES_ANNOTATION = 'larder/names';

/** The Secret that a cache mounts as its certificate. */
export function certificateSecretName(values: Pick<CacheIdentity, 'cache'>): string {
  return `${cacheNamesOf(values).name}-tls`;
}

/** The name that nodes ask the certificate for; they reach the cache by the address of its Service. */
export function serverNameOf(values: Pick<CacheIdentity, 'cache' | 'namespace'>): string {
  return hostOf(cacheNamesOf(values).serviceName, values.namespace);
}

/** What a certificate has to name, for nodes that reach the cache by `service`. */
export function subjectNamesOf({ metadata: { name, namespace }, spec }: Service): string[] {
  return [hostOf(name, namespace), spec?.clusterIP ?? ''];
}

/** True when the Secret, as far as its metadata say, holds what nodes accept, and for long enough. */
export function isValidByAnnotations(
  secret: KubeObject | undefined,
  names: readonly string[],
  authority: Authority,
  now: number,
): boolean {
  const {
    [SIGNED_BY_ANNOTATION]: signer,
    [VALID_FROM]: from,
    [VALID_UNTIL]: until,
    [NAMES_ANNOTATION]: named,
  } = secret?.metadata.annotations ?? {};
  if (named !== names.join(' ') || from === undefined || until === undefined) return false;
  const certificate = {
    from: Date.parse(from),
    until: Date.parse(until),
    signedBy: signer === authority.id ? 0 : undefined,
  };
  return !isDue(certificate, { signing: 0 }, now);
}

/** True when the contents are what the metadata say: somebody may have changed them. */
export function isValidByContents({ data = {} }: Secret, authority: Authority): boolean {
  try {
    const certificate = new X509Certificate(decode(data['tls.crt']));
    const issuer = new X509Certificate(authority.signing.certificate);
    const key = createPrivateKey(decode(data['tls.key']));
    return certificate.verify(issuer.publicKey) && certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

/** A Secret with a new certificate for `names`, signed by `authority`. */
export async function issueFor(
  values: CacheIdentity,
  names: readonly string[],
  authority: Authority,
  now: number,
): Promise<KubeObject & { data: Record<string, string> }> {
  const validity = { from: now, until: now + DEFAULT_ROTATION.certificateMs };
  const { certificate, key } = await issueCertificate(authority.signing, names, validity);
  const actual = validityOf(certificate) ?? validity;
  const object = cacheObject(values, certificateSecretName(values), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encode(certificate), 'tls.key': encode(key) },
  });
  const annotations = {
    ...object.metadata.annotations,
    [SIGNED_BY_ANNOTATION]: authority.id,
    [VALID_FROM]: new Date(actual.from).toISOString(),
    [VALID_UNTIL]: new Date(actual.until).toISOString(),
    [NAMES_ANNOTATION]: names.join(' '),
  };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function hostOf(service: string, namespace: string | undefined): string {
  return `${service}.${namespace}.svc`;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString('utf8');
}
