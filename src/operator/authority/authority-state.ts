import { createHash } from 'node:crypto';
import { z } from 'zod';
import { validityOf, type KeyPair } from '../../kube/certificates/authority.ts';
import type { RotationPlan } from '../../kube/certificates/rotation.ts';

/** The operator's authorities as they are in force. */
export interface Authority {
  /** Certificates of all that are trusted, PEM. */
  readonly bundle: string;
  readonly signing: KeyPair;
  /** Tells the one that signs from all others. */
  readonly id: string;
}

/** A text of nothing but hex that is the same for the same certificate only. */
export function authorityId({ certificate }: Pick<KeyPair, 'certificate'>): string {
  return createHash('sha256').update(certificate).digest('hex').slice(0, 32);
}

export function authorityOf(pairs: readonly KeyPair[], plan: RotationPlan): Authority | undefined {
  const signing = pairs[plan.signing ?? -1];
  if (signing === undefined) return undefined;
  const bundle = plan.trusted.map((index) => pairs[index]?.certificate.trim()).join('\n');
  return { bundle: `${bundle}\n`, signing, id: authorityId(signing) };
}

const PAIRS = z.array(z.object({ certificate: z.string(), key: z.string().startsWith('-----BEGIN ') }));

/** The authorities in a Secret; undefined for what cannot be read, and then none of them can be relied on. */
export function readPairs(text: string): KeyPair[] | undefined {
  try {
    const pairs = PAIRS.parse(JSON.parse(text));
    return pairs.every(({ certificate }) => validityOf(certificate) !== undefined) ? pairs : undefined;
  } catch {
    return undefined;
  }
}
