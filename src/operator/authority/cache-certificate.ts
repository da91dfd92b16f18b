import { createPrivateKey, X509Certificate } from 'node:crypto';
import { issueCertificate } from '../../kube/certificates/authority.ts';
import { validityOf } from '../../kube/certificates/key-pair.ts';
import { DEFAULT_ROTATION, isDue } from '../../kube/certificates/rotation.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Authority } from './authority-state.ts';
import {
  cacheNamesOf,
  cacheObject,
  certificateSecretName,
  type CacheIdentity,
} from '../render/cache-names.ts';
import type { Secret, Service } from '../cluster/resources.ts';

/** Annotation with the id of the signing authority. It shows a change of the authority without a read of the contents. */
const SIGNED_BY_ANNOTATION = 'larder/signed-by';
const VALID_FROM = 'larder/valid-from';
const VALID_UNTIL = 'larder/valid-until';
/** Annotation with the subject names of the certificate, separated by blanks. */
export const NAMES_ANNOTATION = 'larder/names';

/** Name that nodes verify in the certificate. They connect to the cluster IP of the Service. */
export function serverNameOf(values: Pick<CacheIdentity, 'cache' | 'namespace'>): string {
  return hostOf(cacheNamesOf(values).serviceName, values.namespace);
}

/** Subject names that the certificate needs for nodes that reach the cache by `service`. */
export function subjectNamesOf({ metadata: { name, namespace }, spec }: Service): string[] {
  return [hostOf(name, namespace), spec?.clusterIP ?? ''];
}

/** True if the Secret, by its annotations, has a certificate that nodes accept and that is not due for renewal. */
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

/** True if the contents are a certificate by `authority` with its key. They may have been edited by hand. */
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

/** Creates a Secret with a new certificate for `names`, signed by `authority`. */
export async function issueFor(
  values: CacheIdentity,
  names: readonly string[],
  authority: Authority,
  now: number,
): Promise<KubeObject & { data: Record<string, string> }> {
  const validity = { from: now, until: now + DEFAULT_ROTATION.certificateMs };
  const { certificate, key } = await issueCertificate(authority.signing, names, validity);
  const actual = validityOf(certificate) ?? validity;
  const object = cacheObject(values, certificateSecretName(values.cache), {
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
