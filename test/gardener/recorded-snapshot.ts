import 'reflect-metadata';
import { brotliDecompressSync } from 'node:zlib';
import { hash, X509Certificate } from 'node:crypto';
import { PemConverter } from '@peculiar/x509';
import { parseAllDocuments } from 'yaml';
import { describedCertificates, describedKey } from './described-secrets.ts';
import { shortHash, type NameMask } from './masked-names.ts';
import { GRM_FINALIZER } from './resource-manager.ts';

/** Any object as a server has it. */
export interface AnyObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly type?: string;
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>> & {
    readonly secretRefs?: readonly { readonly name: string }[];
    readonly clusterIP?: string;
  };
}

/** Kinds of objects in a snapshot. Services are those of the shoot, the others those of its namespace in the seed. */
export type SnapshotKind =
  | 'Secret'
  | 'ManagedResource'
  | 'ConfigMap'
  | 'PrometheusRule'
  | 'ScrapeConfig'
  | 'Service';

export interface SnapshotPlace {
  /** Lists all objects of a kind in the order of their creation. */
  readonly list: (kind: SnapshotKind) => readonly AnyObject[];
  readonly mask: NameMask;
  /** Names of the Secrets that the test itself wrote. */
  readonly own: ReadonlySet<string>;
}

const HASHED = /^(.*)-[0-9a-f]{8}$/;
const MONITORING = ['ConfigMap', 'PrometheusRule', 'ScrapeConfig'] as const;

/** Describes the objects of a shoot's namespace, and the Services in the shoot, as the recordings do. */
export function recordedSnapshot({ list, mask, own }: SnapshotPlace): Record<string, object> {
  const services = list('Service').filter(({ metadata }) => 'upstream-host' in (metadata.labels ?? {}));
  for (const { metadata, spec } of services) {
    if (spec?.clusterIP !== undefined) mask.addAddress(spec.clusterIP, metadata.name);
  }
  const secrets = list('Secret').filter(({ metadata }) => !own.has(metadata.name));
  for (const secret of secrets) addName(mask, secret);

  const authorities = authoritiesIn(secrets, mask);
  const objects: Record<string, object> = {};
  const put = (key: string, object: object): void => {
    objects[String(mask.apply(key))] = mask.apply(object) as object;
  };
  const resources = list('ManagedResource').toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const resource of resources) {
    const { name } = resource.metadata;
    const manifests = (resource.spec?.secretRefs ?? []).flatMap((ref) =>
      manifestsOf(secrets.find(({ metadata }) => metadata.name === ref.name)),
    );
    for (const { kind, metadata, data = {} } of manifests) {
      const base = HASHED.exec(metadata.name)?.[1];
      if (kind === 'Secret' && 'tls.crt' in data && base !== undefined) mask.add(metadata.name, base);
    }
    for (const manifest of manifests) {
      const described =
        manifest.kind === 'Secret'
          ? {
              ...manifest,
              data: dataOf(manifest.data ?? {}, authorities),
              nameHashMatchesContent: hasHashedName(manifest),
            }
          : manifest;
      put(`${name}:${manifest.kind}/${manifest.metadata.name}`, described);
    }
    put(`ManagedResource/${name}`, { metadata: metadataOf(resource), spec: resource.spec });
  }
  for (const secret of secrets) put(`Secret/${secret.metadata.name}`, secretOf(secret, authorities));
  for (const kind of MONITORING) {
    for (const one of list(kind)) put(`${kind}/${one.metadata.name}`, monitoringOf(one));
  }
  for (const service of services) {
    const { type, clusterIP, ipFamilies, selector, ports } = service.spec ?? {};
    const spec = { type, clusterIP, ipFamilies, selector, ports };
    put(`shoot:Service/${service.metadata.name}`, { metadata: metadataOf(service), spec });
  }
  return objects;
}

function addName(mask: NameMask, { metadata, data = {} }: AnyObject): void {
  const { name, labels = {} } = metadata;
  const isManaged = labels['managed-by'] === 'secrets-manager';
  if (isManaged && ('checksum-of-signing-ca' in labels || 'bundle-for' in labels)) {
    mask.add(name, labels['name'] ?? 'unnamed');
  } else if (!isManaged && isManifests(data)) {
    const base = HASHED.exec(name)?.[1];
    if (base !== undefined) mask.add(name, base);
  }
}

/** Describes labels, annotations and finalizers without times, and without the finalizer of the stand-in. */
export function metadataOf({ metadata }: AnyObject): object {
  const { name, labels, annotations, deletionTimestamp } = metadata;
  const finalizers = metadata.finalizers?.filter((one) => one !== GRM_FINALIZER);
  const timed = annotations !== undefined && 'gardener.cloud/timestamp' in annotations;
  return {
    name,
    labels,
    annotations: timed ? { ...annotations, 'gardener.cloud/timestamp': 'TIME' } : annotations,
    finalizers,
    ...(deletionTimestamp !== undefined && { deletionTimestamp: 'TIME' }),
  };
}

function secretOf(secret: AnyObject, authorities: ReadonlyMap<string, string>): object {
  const { metadata, type, immutable = false, data = {} } = secret;
  const { labels: _labels, ...rest } = metadataOf(secret) as Record<string, unknown>;
  const described = { metadata: { ...rest, labels: labelsOf(metadata.labels) }, type, immutable };
  if (isManifests(data)) {
    const texts = Object.keys(data).map((key) => [key, 'objects, see the ManagedResource']);
    const nameHashMatchesContent = hasHashedName(secret);
    return { ...described, nameHashMatchesContent, data: Object.fromEntries(texts) as object };
  }
  return { ...described, data: dataOf(data, authorities) };
}

function labelsOf(labels: Readonly<Record<string, string>> = {}): object | undefined {
  if (labels['managed-by'] !== 'secrets-manager') return labels;
  const { 'issued-at-time': from, 'valid-until-time': until } = labels;
  const isLeaf = 'checksum-of-signing-ca' in labels;
  return {
    ...labels,
    ...(from !== undefined && { 'issued-at-time': 'TIME' }),
    ...(from !== undefined &&
      until !== undefined && {
        'valid-until-time': `issued + ${Math.round((Number(until) - Number(from)) / 3600)}h`,
      }),
    ...((isLeaf || 'bundle-for' in labels) && { 'checksum-of-config': 'RANDOM' }),
    ...(isLeaf && { 'checksum-of-signing-ca': 'RANDOM' }),
    ...(isLeaf &&
      labels['last-rotation-initiation-time'] !== '' && { 'last-rotation-initiation-time': 'TIME' }),
  };
}

function dataOf(
  data: Readonly<Record<string, string>>,
  authorities: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const entries = Object.entries(data).map(([key, base64]) => {
    const text = textOf(base64);
    if (text.startsWith('-----BEGIN CERT')) {
      const certificates =
        key === 'ca.crt' ? describedCertificates(text, authorities) : describedBundle(text, authorities);
      return [key, { certificates }];
    }
    if (!text.startsWith('-----BEGIN')) return [key, text];
    const own = data[key === 'ca.key' ? 'ca.crt' : 'tls.crt'] ?? '';
    return [key, describedKey(text, textOf(own))];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** The certificates of the authorities among Secrets, by the names that the recordings give them. */
function authoritiesIn(secrets: readonly AnyObject[], mask: NameMask): ReadonlyMap<string, string> {
  const authorities = new Map<string, string>();
  for (const { metadata, data = {} } of secrets) {
    if (data['ca.crt'] !== undefined && 'ca.key' in data)
      authorities.set(`CA(${String(mask.apply(metadata.name))})`, textOf(data['ca.crt']));
  }
  return authorities;
}

/** Describes what webhooks for nodes answer. The certificates in it may be those of authorities among the Secrets. */
export function describedOsc(secrets: readonly AnyObject[], mask: NameMask) {
  const authorities = authoritiesIn(secrets, mask);
  return {
    described: (pem: string): object => ({ certificates: describedBundle(pem, authorities) }),
    masked: (value: unknown): unknown => mask.apply(value),
  };
}

/** Names of the certificates, if all are those of authorities, and otherwise what they say. */
export function describedBundle(pem: string, authorities: ReadonlyMap<string, string>): unknown[] {
  const names = new Map([...authorities].map(([name, one]) => [fingerprint(one), name]));
  const found = PemConverter.decode(pem).map((der) => names.get(fingerprint(Buffer.from(der))));
  return found.every((name) => name !== undefined) ? found : describedCertificates(pem, authorities);
}

function fingerprint(certificate: string | Buffer): string {
  return new X509Certificate(certificate).fingerprint256;
}

function monitoringOf(object: AnyObject): object {
  const { data, spec } = object;
  const metadata = metadataOf(object);
  if (spec !== undefined) return { metadata, spec: 'BLOB(0)' };
  return { metadata, data: Object.fromEntries(Object.keys(data ?? {}).map((key) => [key, 'BLOB(0)'])) };
}

/** Reads manifests with the YAML 1.1 of gardener-resource-manager. */
export function manifestsOf(secret: AnyObject | undefined): AnyObject[] {
  return Object.entries(secret?.data ?? {}).flatMap(([key, value]) => {
    const raw = Buffer.from(value, 'base64');
    const text = (key.endsWith('.br') ? brotliDecompressSync(raw) : raw).toString();
    const documents = parseAllDocuments(text, { version: '1.1' });
    return documents.map((document) => document.toJS() as AnyObject | null).filter((one) => one !== null);
  });
}

function isManifests(data: Readonly<Record<string, string>>): boolean {
  return Object.keys(data).some((key) => key.endsWith('.br') || key.endsWith('.yaml'));
}

function hasHashedName({ metadata, data = {} }: AnyObject): boolean {
  const values = Object.keys(data)
    .toSorted()
    .map((key) => hash('sha256', Buffer.from(data[key] ?? '', 'base64')));
  return metadata.name.endsWith(`-${shortHash(values.join(''))}`);
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
