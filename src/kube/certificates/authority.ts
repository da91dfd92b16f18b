import 'reflect-metadata';
import { KeyObject, type webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { isIP } from 'node:net';
import { LarderError } from '../../kit/errors.ts';

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Backdating of a certificate, since the clocks of nodes differ. */
const BACKDATED_MS = 5 * 60_000;

/** Creates a CA that can sign server certificates and nothing else (RFC 5280, section 4.2.1.9). */
export async function createAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    ...dates(validity),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: keyText(keys) };
}

/**
 * Issues a server certificate for these names and addresses, signed by `authority`. It ends with the authority at the latest. Throws
 * `TLS_FILES_INVALID` if the authority cannot be read.
 */
export async function issueCertificate(
  authority: KeyPair,
  names: readonly string[],
  validity: Validity,
): Promise<KeyPair> {
  const { certificate: issuer, signingKey } = await readAuthority(authority);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [(names[0] ?? 'larder').slice(0, 64)] }],
    issuer: issuer.subject,
    ...dates({ ...validity, until: Math.min(validity.until, issuer.notAfter.getTime()) }),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      // Distinguishes successive authorities of one name. Without it OpenSSL tries only the first of them.
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: keyText(keys) };
}

/** Validity of a certificate. Undefined if the text is not a certificate. */
export function validityOf(pem: string): Validity | undefined {
  try {
    const { notBefore, notAfter } = new X509Certificate(pem);
    return { from: notBefore.getTime(), until: notAfter.getTime() };
  } catch {
    return undefined;
  }
}

async function readAuthority({ certificate, key }: KeyPair) {
  try {
    const [der] = PemConverter.decode(key);
    if (der === undefined) throw new TypeError('no PEM block');
    const signingKey = await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    return { certificate: new X509Certificate(certificate), signingKey };
  } catch (cause) {
    throw new LarderError('TLS_FILES_INVALID', 'the certificate authority cannot be read', { cause });
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function keyText({ privateKey }: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function dates({ from, until }: Validity) {
  return { notBefore: new Date(from - BACKDATED_MS), notAfter: new Date(until) };
}

/** RFC 5280, section 4.1.2.2: positive, unique, at most 20 bytes. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}
