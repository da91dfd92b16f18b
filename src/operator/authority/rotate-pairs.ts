import { AUTHORITY_BACKDATED_MS, createAuthority } from '../../kube/certificates/authority.ts';
import { validityOf, type KeyPair, type Validity } from '../../kube/certificates/key-pair.ts';
import { DEFAULT_ROTATION, planRotation } from '../../kube/certificates/rotation.ts';

/**
 * The authorities after the rotation that is due at `now`: `pairs` itself if none is due. If all of them were made before `notBefore`, a successor
 * is due as well. A `notBefore` in the future has no effect yet. Both in milliseconds since the epoch.
 */
export async function nextPairs(pairs: KeyPair[], now: number, notBefore = -Infinity): Promise<KeyPair[]> {
  const validities = pairs.map(validityOfPair);
  const plan = planRotation(validities, now);
  if (plan.signing === undefined) return [await newAuthority(now)];
  const newest = Math.max(...validities.map(({ from }) => from)) + AUTHORITY_BACKDATED_MS;
  if (plan.createSuccessor || (newest < wholeSecond(notBefore) && notBefore <= now))
    return [...trustedOf(pairs, plan.trusted), await newAuthority(now)];
  return plan.trusted.length < pairs.length ? trustedOf(pairs, plan.trusted) : pairs;
}

/** Certificates have whole seconds. */
function wholeSecond(time: number): number {
  return Math.floor(time / 1000) * 1000;
}

function trustedOf(pairs: readonly KeyPair[], trusted: readonly number[]): KeyPair[] {
  return pairs.filter((_, index) => trusted.includes(index));
}

function newAuthority(now: number): Promise<KeyPair> {
  return createAuthority(`larder ${new Date(now).toISOString()}`, {
    from: now,
    until: now + DEFAULT_ROTATION.authorityMs,
  });
}

/** Parsed pairs have been checked. A malformed certificate counts as expired. */
export function validityOfPair({ certificate }: KeyPair): Validity {
  return validityOf(certificate) ?? { from: 0, until: 0 };
}
