import type { Validity } from './authority.ts';

/** How long things last, in milliseconds. */
export interface RotationPolicy {
  readonly authorityMs: number;
  readonly certificateMs: number;
  /** How long a new authority is only trusted before it signs: everybody has to have heard of it by then. */
  readonly announceMs: number;
}

export const DEFAULT_ROTATION: RotationPolicy = {
  authorityMs: 365 * 24 * 3600_000,
  certificateMs: 30 * 24 * 3600_000,
  announceMs: 24 * 3600_000,
};

/** What is done for renewal is done after two thirds of a life. */
const RENEWAL = 2 / 3;

export interface RotationPlan {
  /** Indices of the authorities that are trusted, and so published and kept; in the order given. */
  readonly trusted: readonly number[];
  /** The authority that signs; undefined: a new one has to be made, and signs at once. */
  readonly signing: number | undefined;
  /** True when a successor has to be made, to be announced first. */
  readonly createSuccessor: boolean;
  /** When to look again, in milliseconds since the epoch. */
  readonly nextAt: number;
}

/**
 * What to do with these authorities at `now`: rotation with overlap, so that at no time a certificate in use is signed by an
 * authority that somebody has not heard of. A successor is made after two thirds of its predecessor's life, announced for a while, then
 * signs; the predecessor is trusted until the last certificate that it signed has ended.
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
  // With nothing announced yet, as in a new cluster, there is nobody to wait for.
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

/** True for a certificate that has to be issued anew: by another authority, for its age, or since it is none. */
export function isDue(
  certificate: (Validity & { readonly signedBy: number | undefined }) | undefined,
  { signing }: Pick<RotationPlan, 'signing'>,
  now: number,
): boolean {
  if (certificate === undefined || certificate.signedBy !== signing) return true;
  const { from, until } = certificate;
  return now < from || now >= from + (until - from) * RENEWAL;
}

/** A predecessor stopped signing when its successor had been announced; its last certificate lives on from there. */
function mayHaveSigned(older: Validity, signing: Validity, now: number, policy: RotationPolicy): boolean {
  const stoppedAt = Math.max(older.from, signing.from + policy.announceMs);
  return now < stoppedAt + policy.certificateMs;
}
