import {
  createCertificateFactory,
  type CertificateProfile,
  type ServerNames,
} from './certificate-factory.ts';
import type { KeyPair, Validity } from './key-pair.ts';

/** Certificates as Gardener makes them (gardener v1.147.1, `pkg/utils/secrets/certificate.go`), so that either program can use the other's. */
export const RSA_PROFILE: CertificateProfile = {
  algorithm: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 3072,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
  keyFormat: 'pkcs1',
  backdatedMs: 60_000,
  authorityUsages: ['digitalSignature', 'keyEncipherment'],
  serverUsages: ['digitalSignature', 'keyEncipherment'],
  signsServersOnly: false,
};

const factory = createCertificateFactory(RSA_PROFILE);

/** Creates a CA with a key of RSA 3072 in PKCS#1. It begins one minute before `validity`. */
export function createRsaAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  return factory.authority(commonName, validity);
}

/**
 * Issues a server certificate with a key of RSA 3072 in PKCS#1, signed by `authority`, whose key is RSA in PKCS#1 or PKCS#8. It begins one
 * minute before `validity`, and ends with `validity` even if the authority ends before. Throws `TLS_FILES_INVALID` if the authority cannot
 * be read.
 */
export function issueRsaCertificate(
  authority: KeyPair,
  names: ServerNames,
  validity: Validity,
): Promise<KeyPair> {
  return factory.server(authority, names, validity);
}
