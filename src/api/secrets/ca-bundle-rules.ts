import { X509Certificate } from 'node:crypto';
import { goQuote } from '../../kit/document/go-quote.ts';

/**
 * Says what is wrong with the `bundle.crt` of a Secret, in the words of the Gardener extension; undefined for nothing. `secret`
 * is `namespace/name`. Every certificate must be valid, while the Gardener extension looks at the first one only.
 */
export function caBundleProblem(bundle: string | undefined, secret: string): string | undefined {
  if (bundle === undefined)
    return `missing "bundle.crt" data entry in the referenced CA bundle secret ${goQuote(secret)}`;
  return isCaBundle(bundle) ? undefined : 'the CA bundle is not a valid PEM-encoded certificate';
}

/** True for certificates in PEM form of which none is damaged: TLS would skip a damaged one silently. */
export function isCaBundle(text: string): boolean {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  return certificates.length > 0 && certificates.every(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
