import 'reflect-metadata';
import { createPrivateKey, createPublicKey, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';

/** Secret as an API server has it. */
export interface LabSecret {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly type: string;
  readonly immutable?: boolean;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Describes the Secrets of a secrets manager as the recordings do: names and labels without what is random, certificates by their fields,
 * keys by their form.
 */
export function describedSecrets(secrets: readonly LabSecret[]): Record<string, unknown> {
  const managed = secrets.filter(({ metadata }) => metadata.labels?.['managed-by'] === 'secrets-manager');
  const authority = managed.find(({ data }) => 'ca.crt' in data && 'ca.key' in data)?.data['ca.crt'];
  const described = managed.map((secret) => {
    const name = secret.metadata.name.replace(/(?:-[0-9a-f]{8})(?:-[0-9a-f]{5})?$/, '-RANDOM');
    const entries = Object.entries(secret.data).map(([key, value]) => {
      const text = textOf(value);
      const own = text.includes('BEGIN CERT') ? undefined : (secret.data['ca.crt'] ?? secret.data['tls.crt']);
      return [key, own === undefined ? certificatesIn(text, authority) : describedKey(text, textOf(own))];
    });
    const { immutable = false, type } = secret;
    const labels = labelsOf(secret.metadata.labels ?? {});
    return [name, { labels, immutable, type, data: Object.fromEntries(entries) as unknown }] as const;
  });
  return Object.fromEntries(described.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Number of certificates in a text. */
export function countCertificates(text: string): number {
  return text.split('-----BEGIN CERTIFICATE-----').length - 1;
}

const RANDOM = [
  'issued-at-time',
  'checksum-of-config',
  'checksum-of-signing-ca',
  'last-rotation-initiation-time',
];

function labelsOf(labels: Readonly<Record<string, string>>): Record<string, string> {
  const hours = Math.round((Number(labels['valid-until-time']) - Number(labels['issued-at-time'])) / 3600);
  // The recordings have this word where the label is missing.
  const validity = 'valid-until-time' in labels ? `issued + ${yearsOr(hours, `${hours}h`)}` : 'None';
  const shown = Object.entries(labels).map(([name, value]) => [
    name,
    RANDOM.includes(name) && value !== '' ? 'RANDOM' : value,
  ]);
  return { ...Object.fromEntries(shown), 'valid-until-time': validity } as Record<string, string>;
}

/** The number of leap days in ten years depends on today. */
function yearsOr<Other>(hours: number, other: Other): Other | '10 years' {
  return hours >= 87_600 && hours <= 87_720 ? '10 years' : other;
}

function certificatesIn(pem: string, authority: string | undefined): unknown[] {
  const signers = new Map(authority === undefined ? [] : [['CA', textOf(authority)]]);
  return describedCertificates(pem, signers);
}

/** Describes the certificates of a PEM text. `authorities` has those that may have signed them, by the names to show. */
export function describedCertificates(pem: string, authorities: ReadonlyMap<string, string>): object[] {
  const keys = [...authorities].map(([name, one]) => [name, new NodeCertificate(one).publicKey] as const);
  return PemConverter.decode(pem).map((der) => {
    const certificate = new X509Certificate(der);
    const node = new NodeCertificate(Buffer.from(der));
    const hours = (certificate.notAfter.getTime() - certificate.notBefore.getTime()) / 3_600_000;
    const flags = certificate.getExtension(KeyUsagesExtension)?.usages ?? 0;
    const extended = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
    const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items;
    const of = (type: string) => (names ?? []).filter((one) => one.type === type).map(({ value }) => value);
    const { asymmetricKeyType, asymmetricKeyDetails } = node.publicKey;
    const signers = keys.filter(([, key]) => node.verify(key)).map(([name]) => name);
    return {
      subject: certificate.subjectName.getField('CN').join(),
      issuer: certificate.issuerName.getField('CN').join(),
      isCA: certificate.getExtension(BasicConstraintsExtension)?.ca ?? false,
      key: `${String(asymmetricKeyType).toUpperCase()}-${asymmetricKeyDetails?.modulusLength}`,
      signature: certificate.signatureAlgorithm.hash.name.toLowerCase().replace('-', ''),
      validHours: yearsOr(hours, Math.round(hours * 100) / 100),
      keyUsage: USAGES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name),
      // The list of the library is of a class of its own.
      extKeyUsage: Array.from(extended, (usage) =>
        usage === ExtendedKeyUsage.serverAuth ? 'serverAuth' : usage,
      ),
      ...(names !== undefined && { dnsNames: of('dns'), ipAddresses: of('ip') }),
      signedBy: signers.length > 0 ? signers.toSorted() : ['unknown'],
    };
  });
}

const USAGES = [
  [KeyUsageFlags.digitalSignature, 'digital_signature'],
  [KeyUsageFlags.nonRepudiation, 'content_commitment'],
  [KeyUsageFlags.keyEncipherment, 'key_encipherment'],
  [KeyUsageFlags.dataEncipherment, 'data_encipherment'],
  [KeyUsageFlags.keyAgreement, 'key_agreement'],
  [KeyUsageFlags.keyCertSign, 'key_cert_sign'],
  [KeyUsageFlags.cRLSign, 'crl_sign'],
] as const;

/** Describes a private key in PEM, and whether `certificate` is for it. */
export function describedKey(pem: string, certificate: string): object {
  const key = createPrivateKey(pem);
  const isOwn = createPublicKey(key).equals(new NodeCertificate(certificate).publicKey);
  return {
    pem: pem.split('-----')[1],
    bits: key.asymmetricKeyDetails?.modulusLength,
    belongsToCertificate: isOwn,
  };
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
