import { X509Certificate } from 'node:crypto';

/** True for certificates in PEM form, all of them whole: TLS itself would pass over a damaged one without a word. */
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
