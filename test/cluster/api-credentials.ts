import { generateKeyPairSync } from 'node:crypto';
import { createTestPki, type KeyPair, type Subject } from '../kit/certificate.ts';
import type { Directory } from '../kit/temp.ts';
import type { ApiAccess } from './kubeconfig.ts';

/** Phases of a rotation: before it, with the new credentials added, with the old ones dropped. */
export type RotationPhase = 'old' | 'both' | 'new';

/** Certificates and keys of an API server. There are two of each, for a rotation; those of the administrator stay. */
export interface ApiCredentials {
  /** Access of the administrator, in all phases. */
  readonly admin: ApiAccess;
  /** Path of the certificates of all authorities, PEM. */
  readonly authorities: string;
  /** Flags of API server and controller manager in a phase. */
  flags(phase: RotationPhase): { readonly server: Flags; readonly controllers: Flags };
  /** Access of another user in a phase: trusts what is trusted then, and has a certificate of the newest authority. */
  accessFor(subject: Subject, phase: RotationPhase): ApiAccess;
}

type Flags = Readonly<Record<string, string>>;

export function createApiCredentials(
  own: Directory,
  { server, names }: { readonly server: string; readonly names: readonly string[] },
): ApiCredentials {
  const [old, added, administrators] = [createTestPki(names), createTestPki(names), createTestPki(names)];
  const trusted = {
    old: old.caPem,
    both: `${old.caPem}${added.caPem}`,
    new: added.caPem,
  };
  const admin: ApiAccess = {
    server,
    ca: trusted.both,
    client: administrators.client({ commonName: 'admin', organization: 'system:masters' }),
  };
  const adminFiles = filesOf(own, 'admin', admin.client);
  const keys = { old: signingKey(), new: '' };

  return {
    admin,
    authorities: own.write('pki/ca.crt', `${trusted.both}${administrators.caPem}`),
    flags(phase) {
      if (phase !== 'old') keys.new ||= signingKey();
      // Servers change last, since their clients have to trust the new authority by then.
      const certificate = filesOf(own, `server-${phase}`, (phase === 'new' ? added : old).server());
      const accepted = { old: keys.old, both: `${keys.old}${keys.new}`, new: keys.new }[phase];
      const signing = own.write(`pki/signing-${phase}.key`, phase === 'old' ? keys.old : keys.new);
      return {
        server: {
          'tls-cert-file': certificate.cert,
          'tls-private-key-file': certificate.key,
          'client-ca-file': own.write(`pki/clients-${phase}.crt`, trusted[phase] + administrators.caPem),
          'kubelet-client-certificate': adminFiles.cert,
          'kubelet-client-key': adminFiles.key,
          'service-account-key-file': own.write(`pki/accepted-${phase}.key`, accepted),
          'service-account-signing-key-file': signing,
        },
        controllers: {
          'service-account-private-key-file': signing,
          'root-ca-file': own.write(`pki/root-${phase}.crt`, trusted[phase]),
        },
      };
    },
    accessFor: (subject, phase) => ({
      server,
      ca: trusted[phase],
      client: (phase === 'old' ? old : added).client(subject),
    }),
  };
}

function filesOf(own: Directory, name: string, { cert, key }: KeyPair): KeyPair {
  return { cert: own.write(`pki/${name}.crt`, cert), key: own.write(`pki/${name}.key`, key) };
}

/** Creates a key for the tokens of service accounts. Every verifier knows RSA, but not every other kind. */
function signingKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}
