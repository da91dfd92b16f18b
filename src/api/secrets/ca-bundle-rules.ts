import { X509Certificate } from 'node:crypto';
import { firstPemBlock, pemCertificates } from './pem-block.ts';
import { goQuote } from '../../kit/document/go-quote.ts';

/**
 * Says what is wrong with the `bundle.crt` of a Secret, in the words of the Gardener extension; undefined for nothing. `secret`
 * is `namespace/name`. `isValid` judges the text; by default every certificate must
 * be valid.
 */
export function caBundleProblem(
  bundle: string | undefined,
  secret: string,
  isValid: (text: string) => boolean = isCaBundle,
): string | undefined {
  if (bundle === undefined)
    return `missing "bundle.crt" data entry in the referenced CA bundle secret ${goQuote(secret)}`;
  return isValid(bundle) ? undefined : 'the CA bundle is not a valid PEM-encoded certificate';
}

/** True for certificates in PEM form of which none is damaged: TLS would skip a damaged one silently. */
export function isCaBundle(text: string): boolean {
  const certificates = pemCertificates(text);
  return certificates.length > 0 && certificates.every(isCertificate);
}

/** True if the first PEM block is a valid certificate, whatever follows: the rule of the Gardener extension. */
export function beginsWithCertificate(text: string): boolean {
  const block = firstPemBlock(text);
  return block?.label === 'CERTIFICATE' && isCertificate(block.content);
}

function isCertificate(certificate: string | Buffer): boolean {
  try {
    return new X509Certificate(certificate).subject !== undefined;
  } catch {
    return false;
  }
}
