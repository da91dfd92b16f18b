import type { Validity } from './key-pair.ts';

/** Lifetimes in milliseconds. */
export interface RotationPolicy {
  readonly authorityMs: number;
  readonly certificateMs: number;
  /** Time during which a new authority is trusted but does not sign, so that every client learns of it first. */
  readonly announceMs: number;
}

export const DEFAULT_ROTATION: RotationPolicy = {
  authorityMs: 365 * 24 * 3600_000,
  certificateMs: 30 * 24 * 3600_000,
  announceMs: 24 * 3600_000,
};

/** Share of a lifetime after which a successor or a new certificate is due. */
const RENEWAL = 2 / 3;

export interface RotationPlan {
  /** Indices of the trusted authorities, in the order given. They are kept and published. */
  readonly trusted: readonly number[];
  /** Index of the authority that signs. Undefined: a new one has to be made and signs at once. */
  readonly signing: number | undefined;
  /** True if a successor has to be made and announced. */
  readonly createSuccessor: boolean;
  /** Time of the next check, in milliseconds since the epoch. */
  readonly nextAt: number;
}

/**
 * Plans a rotation with overlap for these authorities at `now`: no certificate in use is ever signed by an authority that a client has not
 * learnt of. A successor is made after two thirds of its predecessor's life, is announced for a while, then signs. The predecessor stays
 * trusted until the last certificate it signed has ended.
 */
export function planRotation(
  authorities: readonly Validity[],
  now: number,
  policy: RotationPolicy = DEFAULT_ROTATION,
): RotationPlan {
  const living = authorities
    .map((validity, index) => ({ ...validity, index }))
    .filter(({ from, until }) => from <= now && now < until)
    .sort((a, b) => a.from - b.from);
  const newest = living.at(-1);
  if (newest === undefined) {
    return { trusted: [], signing: undefined, createSuccessor: false, nextAt: now };
  }
  const announced = living.filter(({ from }) => from + policy.announceMs <= now);
  // Without an announced authority, as in a new cluster, no client has to be waited for.
  const signing = announced.at(-1) ?? living[0] ?? newest;
  const renewAt = newest.from + (newest.until - newest.from) * RENEWAL;
  const trusted = living.filter(
    (one) => one.from >= signing.from || mayHaveSigned(one, signing, now, policy),
  );
  const times = [
    renewAt,
    newest.from + policy.announceMs,
    ...trusted.flatMap((one) => [one.until, signing.from + policy.announceMs + policy.certificateMs]),
  ];
  return {
    trusted: trusted.map(({ index }) => index).sort((a, b) => a - b),
    signing: signing.index,
    createSuccessor: now >= renewAt,
    nextAt: Math.min(...times.filter((time) => time > now)),
  };
}

/** True if a certificate has to be renewed: missing, signed by another authority, or two thirds of its life old. */
export function isDue(
  certificate: (Validity & { readonly signedBy: number | undefined }) | undefined,
  { signing }: Pick<RotationPlan, 'signing'>,
  now: number,
): boolean {
  if (certificate === undefined || certificate.signedBy !== signing) return true;
  const { from, until } = certificate;
  return now < from || now >= from + (until - from) * RENEWAL;
}

/** A predecessor stops signing once its successor is announced. Its last certificate lives on from there. */
function mayHaveSigned(older: Validity, signing: Validity, now: number, policy: RotationPolicy): boolean {
  const stoppedAt = Math.max(older.from, signing.from + policy.announceMs);
  return now < stoppedAt + policy.certificateMs;
}
