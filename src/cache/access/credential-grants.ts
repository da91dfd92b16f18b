import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import type { RepositoryId } from '../../store/types.ts';

/**
 * About 350 bytes each: 35 MB at most, whatever callers send. Beyond that the least recently used are forgotten, and the
 * upstream is asked again.
 */
const GRANTS = 100_000;
const REFUSALS = 10_000;

/**
 * Remembers when an upstream last served each credential from a repository: a grant. Grants live in memory only. The
 * credential itself is not kept, only its HMAC, whose key dies with the process.
 */
export interface CredentialGrants {
  /** HMAC of a credential: 22 characters that reveal nothing of it. */
  credentialIdOf(...parts: readonly string[]): string;
  /**
   * Records that the upstream has just served the credential from this repository; `endsAt` (epoch, ms) ends the proof
   * early.
   */
  prove(credentialId: string, repositoryId: RepositoryId, endsAt?: number): void;
  /** True if the last proof is younger than `lifetimeMs`, the credential has not expired, and no refusal came after. */
  isProven(credentialId: string, repositoryId: RepositoryId, lifetimeMs: number): boolean;
  /**
   * Milliseconds since the last proof, even of an expired credential; undefined without one, or if a refusal came after
   * it.
   */
  provenFor(credentialId: string, repositoryId: RepositoryId): number | undefined;
  /** Records that the upstream refused the credential in this repository. */
  refuse(credentialId: string, repositoryId: RepositoryId): void;
  /** Records that the upstream, or its token server, refused the credential altogether. */
  refuseAll(credentialId: string, upstream: string): void;
  /** True if a remembered refusal in this repository came at `at` (epoch, ms) or later. */
  refusedSince(credentialId: string, repositoryId: RepositoryId, at: number): boolean;
  /** True if the upstream has served the credential from any repository, and has not refused it altogether since. */
  isKnown(credentialId: string, upstream: string): boolean;
}

interface Grant {
  /** On the monotonic clock: setting the wall clock does not prolong proofs. */
  readonly provenAt: number;
  readonly endsAt: number | undefined;
}

export function createCredentialGrants(clock: Clock): CredentialGrants {
  const key = createSecretKey(randomBytes(32));
  const grants = createRecentMap<string, Grant>(GRANTS);
  const known = createRecentMap<string, true>(GRANTS);
  const refusals = createRecentMap<string, number>(REFUSALS);
  const refusedAll = createRecentMap<string, number>(REFUSALS);

  function unrefusedGrant(credentialId: string, repositoryId: RepositoryId): Grant | undefined {
    const grant = grants.get(placeOf(credentialId, repositoryId));
    if (grant === undefined) return undefined;
    const refusedAt = refusedAll.get(keyOf(credentialId, repositoryId.upstream));
    return refusedAt !== undefined && refusedAt >= grant.provenAt ? undefined : grant;
  }

  return {
    credentialIdOf(...parts) {
      const text = parts.length === 1 ? (parts[0] as string) : JSON.stringify(parts);
      return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
    },
    prove(credentialId, repositoryId, endsAt) {
      const provenAt = clock.monotonic();
      grants.set(placeOf(credentialId, repositoryId), { provenAt, endsAt });
      known.set(keyOf(credentialId, repositoryId.upstream), true);
    },
    isProven(credentialId, repositoryId, lifetimeMs) {
      const grant = unrefusedGrant(credentialId, repositoryId);
      return (
        grant !== undefined &&
        clock.monotonic() - grant.provenAt < lifetimeMs &&
        (grant.endsAt === undefined || clock.now() < grant.endsAt)
      );
    },
    provenFor(credentialId, repositoryId) {
      const grant = unrefusedGrant(credentialId, repositoryId);
      return grant && clock.monotonic() - grant.provenAt;
    },
    refuse(credentialId, repositoryId) {
      grants.delete(placeOf(credentialId, repositoryId));
      refusals.set(placeOf(credentialId, repositoryId), clock.now());
    },
    refuseAll(credentialId, upstream) {
      // Only credentials with a proof are remembered: unknown ones must not push others out of the memory.
      if (known.delete(keyOf(credentialId, upstream)))
        refusedAll.set(keyOf(credentialId, upstream), clock.monotonic());
    },
    refusedSince(credentialId, repositoryId, at) {
      return (refusals.get(placeOf(credentialId, repositoryId)) ?? -1) >= at;
    },
    isKnown: (credentialId, upstream) => known.has(keyOf(credentialId, upstream)),
  };
}

function placeOf(credentialId: string, { upstream, repository }: RepositoryId): string {
  return keyOf(credentialId, upstream, repository);
}

/**
 * Joins the parts, none of which can hold a blank. V8 keeps a key made by a template literal as a tree of its parts: the
 * grants would take a third more memory.
 */
function keyOf(...parts: readonly string[]): string {
  return parts.join(' ');
}
