import { X509Certificate } from 'node:crypto';
import { pemCertificates } from '../../api/secrets/pem-block.ts';
import { validityOf } from '../../kube/certificates/key-pair.ts';

/** Most certificates in a bundle, so that it does not grow while Secrets are lost again and again. */
const LONGEST = 8;

/** Certificates to trust, and for how long those that are registered already stay beside them. */
export interface TrustedBundle {
  /** PEM. */
  readonly certificates: string;
  /** Milliseconds since the epoch. */
  readonly othersUntil: number;
}

/**
 * Bundle to register in place of `registered`. Before `othersUntil` it keeps registered certificates that have not ended, because a replica
 * may still serve a certificate of an authority whose Secret was lost.
 */
export function nextBundle(
  { certificates, othersUntil }: TrustedBundle,
  registered: string,
  now: number,
): string {
  if (now >= othersUntil) return certificates;
  const known = new Set(pemCertificates(certificates).map(fingerprintOf));
  const others = pemCertificates(registered).filter((pem) => {
    const isNew = !known.has(fingerprintOf(pem));
    known.add(fingerprintOf(pem));
    return isNew && isValid(pem, now);
  });
  return others.length === 0
    ? certificates
    : [certificates, ...others.slice(0, LONGEST).map((pem) => `${pem}\n`)].join('');
}

/** True if a certificate of `bundle` has signed the server certificate, and both are valid at `now`. */
export function isTrustedBy(certificate: string, bundle: string, now: number): boolean {
  const server = parsed(certificate);
  if (server === undefined || !isValid(certificate, now)) return false;
  return pemCertificates(bundle).some((pem) => {
    const authority = parsed(pem);
    return (
      authority !== undefined &&
      isValid(pem, now) &&
      server.checkIssued(authority) &&
      server.verify(authority.publicKey)
    );
  });
}

function isValid(pem: string, now: number): boolean {
  const validity = validityOf(pem);
  return validity !== undefined && validity.from <= now && now < validity.until;
}

function fingerprintOf(pem: string): string {
  return parsed(pem)?.fingerprint256 ?? pem;
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
