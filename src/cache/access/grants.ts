import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { Origin } from '../../store/types.ts';

/** Some 350 bytes each: 35 MB at the most, whatever callers send. Beyond it the least recently used are asked again. */
const GRANTS = 100_000;
const REFUSALS = 10_000;

/**
 * What callers with a credential have proven: that an upstream served them from a repository, and when. In memory only, and of
 * the credential only an HMAC with a key that dies with the process.
 */
export interface Grants {
  /** The name of a credential: 22 characters that tell nothing of it. */
  accountOf(...parts: readonly string[]): string;
  /** The upstream has just served the account from this repository; `endsAt` (epoch, ms) ends the proof early. */
  prove(account: string, origin: Origin, endsAt?: number): void;
  /** True when the account was proven less than `lifetimeMs` ago, its credential has not ended, and no refusal came after. */
  isProven(account: string, origin: Origin, lifetimeMs: number): boolean;
  /** Milliseconds since the last proof, with whichever credential; undefined when there is none, or when a refusal came after it. */
  provenFor(account: string, origin: Origin): number | undefined;
  /** The upstream refused the account in this repository. */
  refuse(account: string, origin: Origin): void;
  /** The upstream, or its token server, refused the account altogether. */
  refuseAll(account: string, upstream: string): void;
  /** True when the account was refused in this repository at `at` (epoch, ms) or later, as far as is remembered. */
  refusedSince(account: string, origin: Origin, at: number): boolean;
  /** True when the upstream has served the account from any repository and did not refuse it altogether since. */
  isKnown(account: string, upstream: string): boolean;
}

interface Grant {
  /** On the monotonic clock, so that a clock that is set does not make proofs last. */
  readonly provenAt: number;
  readonly endsAt: number | undefined;
}

export function createGrants(clock: Clock): Grants {
  const key = createSecretKey(randomBytes(32));
  const grants = new LRUCache<string, Grant>({ max: GRANTS });
  const known = new LRUCache<string, true>({ max: GRANTS });
  const refusals = new LRUCache<string, number>({ max: REFUSALS });
  const refusedAll = new LRUCache<string, number>({ max: REFUSALS });

  function standing(account: string, origin: Origin): Grant | undefined {
    const grant = grants.get(placeOf(account, origin));
    if (grant === undefined) return undefined;
    const refusedAt = refusedAll.get(keyOf(account, origin.upstream));
    return refusedAt !== undefined && refusedAt >= grant.provenAt ? undefined : grant;
  }

  return {
    accountOf(...parts) {
      const text = parts.length === 1 ? (parts[0] as string) : JSON.stringify(parts);
      return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
    },
    prove(account, origin, endsAt) {
      const provenAt = clock.monotonic();
      grants.set(placeOf(account, origin), { provenAt, endsAt });
      known.set(keyOf(account, origin.upstream), true);
    },
    isProven(account, origin, lifetimeMs) {
      const grant = standing(account, origin);
      return (
        grant !== undefined &&
        clock.monotonic() - grant.provenAt < lifetimeMs &&
        (grant.endsAt === undefined || clock.now() < grant.endsAt)
      );
    },
    provenFor(account, origin) {
      const grant = standing(account, origin);
      return grant && clock.monotonic() - grant.provenAt;
    },
    refuse(account, origin) {
      grants.delete(placeOf(account, origin));
      refusals.set(placeOf(account, origin), clock.now());
    },
    refuseAll(account, upstream) {
      // Only of those who have something to lose: strangers must not push others out of the memory.
      if (known.delete(keyOf(account, upstream))) refusedAll.set(keyOf(account, upstream), clock.monotonic());
    },
    refusedSince(account, origin, at) {
      return (refusals.get(placeOf(account, origin)) ?? -1) >= at;
    },
    isKnown: (account, upstream) => known.has(keyOf(account, upstream)),
  };
}

function placeOf(account: string, { upstream, repository }: Origin): string {
  return keyOf(account, upstream, repository);
}

/**
 * No part can hold a blank. Joined, because V8 keeps a key made of a template as a tree of its parts: the proofs would take a
 * third more memory.
 */
function keyOf(...parts: readonly string[]): string {
  return parts.join(' ');
}
