import { createHash } from 'node:crypto';
import { z } from 'zod';
import { validityOf, type KeyPair } from '../../kube/certificates/key-pair.ts';
import type { RotationPlan } from '../../kube/certificates/rotation.ts';

/** The certificate authority in force. */
export interface Authority {
  /** Certificates of all trusted authorities, PEM. */
  readonly bundle: string;
  readonly signing: KeyPair;
  /** Identifies the signing authority. See {@link authorityId}. */
  readonly id: string;
}

/** A hash of the certificate in hex. */
function authorityId({ certificate }: Pick<KeyPair, 'certificate'>): string {
  return createHash('sha256').update(certificate).digest('hex').slice(0, 32);
}

export function authorityOf(pairs: readonly KeyPair[], plan: RotationPlan): Authority | undefined {
  const signing = pairs[plan.signing ?? -1];
  if (signing === undefined) return undefined;
  const bundle = plan.trusted.map((index) => pairs[index]?.certificate.trim()).join('\n');
  return { bundle: `${bundle}\n`, signing, id: authorityId(signing) };
}

const PAIRS = z.array(z.object({ certificate: z.string(), key: z.string().startsWith('-----BEGIN ') }));

/** Parses the authorities of a Secret. Undefined if one of them is malformed; then none can be relied on. */
export function readPairs(text: string): KeyPair[] | undefined {
  try {
    const pairs = PAIRS.parse(JSON.parse(text));
    return pairs.every(({ certificate }) => validityOf(certificate) !== undefined) ? pairs : undefined;
  } catch {
    return undefined;
  }
}
