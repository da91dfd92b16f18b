import {
  createCertificateFactory,
  generatedKeys,
  type CertificateFactory,
} from '../../src/kube/certificates/certificate-factory.ts';
import type { KeyPair } from '../../src/kube/certificates/key-pair.ts';
import { createRsaAuthority, RSA_PROFILE } from '../../src/kube/certificates/rsa-authority.ts';

/**
 * RSA as in production, without most of the keys, which take a third of a second each: all servers have one key, and an authority with the same name
 * and times is not made again.
 */
export function rememberedCertificates(): CertificateFactory {
  let keys: ReturnType<typeof generatedKeys> | undefined;
  const servers = createCertificateFactory(RSA_PROFILE, () => (keys ??= generatedKeys(RSA_PROFILE)));
  const authorities = new Map<string, Promise<KeyPair>>();
  return {
    server: (...args) => servers.server(...args),
    authority(name, validity) {
      const text = JSON.stringify({ name, validity });
      const found = authorities.get(text) ?? createRsaAuthority(name, validity);
      authorities.set(text, found);
      return found;
    },
  };
}
