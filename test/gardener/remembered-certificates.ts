import type { CertificateFactory } from '../../src/kube/certificates/certificate-factory.ts';
import type { KeyPair } from '../../src/kube/certificates/key-pair.ts';
import { createRsaAuthority, issueRsaCertificate } from '../../src/kube/certificates/rsa-authority.ts';

/** RSA as in production. A certificate that was made before, with the same names and times, is not made again: a key takes a third of a second. */
export function rememberedCertificates(): CertificateFactory {
  const made = new Map<string, Promise<KeyPair>>();
  function once(key: object, make: () => Promise<KeyPair>): Promise<KeyPair> {
    const text = JSON.stringify(key);
    const found = made.get(text) ?? make();
    made.set(text, found);
    return found;
  }
  return {
    authority: (name, validity) => once({ name, validity }, () => createRsaAuthority(name, validity)),
    server: (authority, names, validity) =>
      once({ by: authority.certificate, names, validity }, () =>
        issueRsaCertificate(authority, names, validity),
      ),
  };
}
