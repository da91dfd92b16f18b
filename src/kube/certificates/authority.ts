import { createCertificateFactory } from './certificate-factory.ts';
import { validityOf, type KeyPair, type Validity } from './key-pair.ts';

/** Time by which an authority begins before it was made, since the clocks of nodes differ. */
export const AUTHORITY_BACKDATED_MS = 5 * 60_000;

/** Small certificates for Larder's own clusters. An authority signs server certificates and nothing else (RFC 5280, section 4.2.1.9). */
const factory = createCertificateFactory({
  algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  keyFormat: 'pkcs8',
  backdatedMs: AUTHORITY_BACKDATED_MS,
  authorityUsages: [],
  serverUsages: ['digitalSignature'],
  signsServersOnly: true,
});

/** Creates a CA that can sign server certificates and nothing else. */
export function createAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  return factory.authority(commonName, validity);
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
  const commonName = (names[0] ?? 'larder').slice(0, 64);
  const { until = validity.until } = validityOf(authority.certificate) ?? {};
  return await factory.server(
    authority,
    { commonName, names },
    { ...validity, until: Math.min(validity.until, until) },
  );
}
