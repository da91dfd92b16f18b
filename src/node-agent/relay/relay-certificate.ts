import { createAuthority, issueCertificate } from '../../kube/certificates/authority.ts';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';

/** A server certificate with its key, and the CA that signed it, all PEM. */
export interface RelayCertificate extends KeyPair {
  readonly ca: string;
}

/**
 * All the time that X.509 can name (RFC 5280, section 4.1.2.5). The certificate ends with the process, and the clock of a node may be set
 * long after the process has started.
 */
const ALWAYS = { from: Date.UTC(2000, 0, 1), until: Date.UTC(9999, 11, 31) };

/**
 * Makes a certificate for `host`, a loopback address. Its key exists only in the memory of this process, and the key of the CA is dropped.
 * A process that takes the relay's port can neither answer in its place nor read its requests.
 */
export async function createRelayCertificate(host: string): Promise<RelayCertificate> {
  const authority = await createAuthority('larder node-agent', ALWAYS);
  const pair = await issueCertificate(authority, [host], ALWAYS);
  return { ...pair, ca: authority.certificate };
}
