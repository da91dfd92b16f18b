import { SECRETS, type Secret } from '../../operator/cluster/resources.ts';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';
import type { SecretLabels } from './secret-labels.ts';

/** A Secret of a secrets manager, with its content as text. */
export interface ManagedSecret {
  readonly name: string;
  readonly labels: SecretLabels;
  /** Milliseconds since the epoch, in whole seconds. */
  readonly createdAt: number;
  readonly isImmutable: boolean;
  readonly data: Readonly<Record<string, string>>;
  /** Undefined only before the Secret exists. */
  readonly uid?: string | undefined;
}

/** Keys of the content. */
const AUTHORITY_KEYS = ['ca.crt', 'ca.key'] as const;
const SERVER_KEYS = ['tls.crt', 'tls.key'] as const;
const BUNDLE_KEY = 'bundle.crt';

export interface ImmutableSecret extends Secret {
  readonly immutable?: boolean;
}

export function managedSecretOf({ metadata, immutable, data = {} }: ImmutableSecret): ManagedSecret {
  const { name, labels = {}, creationTimestamp = '', uid } = metadata;
  return {
    name,
    labels,
    createdAt: Date.parse(creationTimestamp) || 0,
    isImmutable: immutable === true,
    data: mapValues(data, (value) => Buffer.from(value, 'base64').toString('utf8')),
    uid,
  };
}

/** Builds the Secret to create. A server certificate has the type that Kubernetes has for it. */
export function managedSecretObject(
  namespace: string,
  name: string,
  labels: SecretLabels,
  data: Readonly<Record<string, string>>,
): ImmutableSecret {
  return {
    apiVersion: 'v1',
    kind: SECRETS.kind,
    metadata: { name, namespace, labels },
    type: SERVER_KEYS.every((key) => key in data) ? 'kubernetes.io/tls' : 'Opaque',
    immutable: true,
    data: mapValues(data, (value) => Buffer.from(value).toString('base64')),
  };
}

export function authorityData(pair: KeyPair): Readonly<Record<string, string>> {
  return pairData(AUTHORITY_KEYS, pair);
}

export function serverData(pair: KeyPair): Readonly<Record<string, string>> {
  return pairData(SERVER_KEYS, pair);
}

/** Content of a bundle. Every certificate ends with a line break, so they can follow each other. */
export function bundleData(certificates: readonly string[]): Readonly<Record<string, string>> {
  return { [BUNDLE_KEY]: certificates.map(wholeLines).join('') };
}

export function isAuthoritySecret({ data }: ManagedSecret): boolean {
  return AUTHORITY_KEYS.every((key) => key in data);
}

export function authorityPair(secret: ManagedSecret): KeyPair {
  return pairOf(AUTHORITY_KEYS, secret);
}

export function serverPair(secret: ManagedSecret): KeyPair {
  return pairOf(SERVER_KEYS, secret);
}

export function bundleText({ data }: ManagedSecret): string {
  return data[BUNDLE_KEY] ?? '';
}

function pairData([certificateKey, keyKey]: readonly [string, string], { certificate, key }: KeyPair) {
  return { [certificateKey]: wholeLines(certificate), [keyKey]: wholeLines(key) };
}

function pairOf([certificateKey, keyKey]: readonly [string, string], { data }: ManagedSecret): KeyPair {
  return { certificate: data[certificateKey] ?? '', key: data[keyKey] ?? '' };
}

function wholeLines(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
