import 'reflect-metadata';
import { createPrivateKey, KeyObject, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  KeyUsageFlags,
} from '@peculiar/x509';
import { LarderError } from '../../kit/errors.ts';
import type { KeyPair, Validity } from './key-pair.ts';

/** Form of the keys and certificates that a factory makes. */
export interface CertificateProfile {
  /** Algorithm of the keys and of the signatures, as Web Crypto names it. */
  readonly algorithm: EcKeyAlgorithm | RsaKeyAlgorithm;
  /** Format of a private key in PEM: `pkcs1` is `RSA PRIVATE KEY`, `pkcs8` is `PRIVATE KEY`. */
  readonly keyFormat: 'pkcs1' | 'pkcs8';
  /** Time by which a certificate begins before its validity, for clocks that are behind. */
  readonly backdatedMs: number;
  /** Usages of an authority's key, beside the signing of certificates and revocation lists. */
  readonly authorityUsages: readonly KeyUsage[];
  readonly serverUsages: readonly KeyUsage[];
  /** False: authorities may sign other authorities. */
  readonly signsServersOnly: boolean;
}

export type KeyUsage = 'digitalSignature' | 'keyEncipherment';

export interface ServerNames {
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
}

/**
 * Makes certificates. Keys are generated and used outside the main thread, and a factory generates one at a time: RSA 3072 takes 0.3 s of a
 * processor, and certificates for hundreds of shoots at once would leave the event loop none.
 */
export interface CertificateFactory {
  /** Creates a self-signed CA. */
  authority(commonName: string, validity: Validity): Promise<KeyPair>;
  /**
   * Issues a server certificate that is signed by `authority`, whose key may be PKCS#1 or PKCS#8. Throws `TLS_FILES_INVALID` if the
   * authority cannot be read or its key is of another algorithm.
   */
  server(authority: KeyPair, names: ServerNames, validity: Validity): Promise<KeyPair>;
}

/** Creates a factory of the certificates that `profile` describes. Each has keys of its own, unless `newKeys` gives others. */
export function createCertificateFactory(
  profile: CertificateProfile,
  newKeys = () => generatedKeys(profile),
): CertificateFactory {
  const { algorithm } = profile;
  let lastKeys: Promise<unknown> = Promise.resolve();

  function keysInTurn(): Promise<webcrypto.CryptoKeyPair> {
    const keys = lastKeys.then(newKeys);
    lastKeys = keys.catch(() => {});
    return keys;
  }

  /** Fields that all certificates have. */
  const common = ({ from, until }: Validity) => ({
    serialNumber: serialNumber(),
    notBefore: new Date(from - profile.backdatedMs),
    notAfter: new Date(until),
    signingAlgorithm: algorithm,
  });

  function pairOf(certificate: X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): KeyPair {
    const key = KeyObject.from(privateKey).export({ type: profile.keyFormat, format: 'pem' }).toString();
    return { certificate: certificate.toString('pem'), key };
  }

  async function readAuthority({ certificate, key }: KeyPair) {
    try {
      const pkcs8 = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
      const signingKey = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
      return { certificate: new X509Certificate(certificate), signingKey };
    } catch (cause) {
      throw new LarderError('TLS_FILES_INVALID', 'the certificate authority cannot be read', { cause });
    }
  }

  return {
    async authority(commonName, validity) {
      const keys = await keysInTurn();
      const certificate = await X509CertificateGenerator.createSelfSigned({
        ...common(validity),
        name: [{ CN: [commonName] }],
        keys,
        extensions: [
          new BasicConstraintsExtension(true, profile.signsServersOnly ? 0 : undefined, true),
          new KeyUsagesExtension(SIGNING | flagsOf(profile.authorityUsages), true),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return pairOf(certificate, keys);
    },

    async server(authority, { commonName, names }, validity) {
      const { certificate: issuer, signingKey } = await readAuthority(authority);
      const keys = await keysInTurn();
      const certificate = await X509CertificateGenerator.create({
        ...common(validity),
        subject: [{ CN: [commonName] }],
        issuer: issuer.subjectName,
        publicKey: keys.publicKey,
        signingKey,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(flagsOf(profile.serverUsages), true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          ...subjectAltNames(names),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
          await authorityKeyIdentifier(issuer),
        ],
      });
      return pairOf(certificate, keys);
    },
  };
}

/** Generates a pair of keys that can be exported. */
export async function generatedKeys({ algorithm }: CertificateProfile): Promise<webcrypto.CryptoKeyPair> {
  return await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

const SIGNING = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

function flagsOf(usages: readonly KeyUsage[]): KeyUsageFlags {
  let flags = 0;
  for (const usage of usages) flags |= KeyUsageFlags[usage];
  return flags;
}

/** RFC 5280, section 4.1.2.2: positive, unique, at most 20 bytes. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

/** RFC 5280, section 4.2.1.6: the extension is left out if there are no names. */
function subjectAltNames(names: readonly string[]): SubjectAlternativeNameExtension[] {
  if (names.length === 0) return [];
  const entries = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const);
  return [new SubjectAlternativeNameExtension(entries)];
}

/**
 * Distinguishes successive authorities of one name. Without it OpenSSL tries only the first of them. The authority's own identifier counts
 * (RFC 5280, section 4.2.1.1): programs compute it in different ways, Go 1.25 from SHA-256, and OpenSSL refuses another one.
 */
async function authorityKeyIdentifier(issuer: X509Certificate): Promise<AuthorityKeyIdentifierExtension> {
  const own = issuer.getExtension(SubjectKeyIdentifierExtension);
  return own === null
    ? await AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    : new AuthorityKeyIdentifierExtension(own.keyId);
}

interface EcKeyAlgorithm {
  readonly name: 'ECDSA';
  readonly namedCurve: string;
  readonly hash: string;
}

interface RsaKeyAlgorithm {
  readonly name: 'RSASSA-PKCS1-v1_5';
  readonly modulusLength: number;
  readonly publicExponent: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}
