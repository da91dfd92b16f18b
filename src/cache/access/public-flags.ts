import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import type { RepositoryId, PublicRepositories } from '../../store/types.ts';

/**
 * Time for which an anonymous caller's 401 answers for its whole repository. containerd begins every fetch without a header, and
 * the second fetch of a pull must not cost another round trip. A repository that becomes public opens within this time.
 */
const CHALLENGE_MS = 5_000;
const CHALLENGES = 10_000;

/** Remembers which repositories an upstream serves to anonymous callers, and which it refused them a moment ago. */
export interface PublicFlags {
  /**
   * Milliseconds since the upstream last served an anonymous caller there; undefined if the repository is not known to be
   * public.
   */
  provenFor(repositoryId: RepositoryId): number | undefined;
  /** Records that the upstream served an anonymous caller. */
  prove(repositoryId: RepositoryId): void;
  /** Records that the upstream refused an anonymous caller, with the challenges of a 401. */
  refuse(repositoryId: RepositoryId, challenges: readonly string[] | undefined): void;
  /** Challenges of the last refusal, while they answer in the upstream's place. */
  challenges(repositoryId: RepositoryId): readonly string[] | undefined;
  /** True if a remembered refusal of anonymous callers came at `at` (epoch, ms) or later. */
  refusedSince(repositoryId: RepositoryId, at: number): boolean;
}

export function createPublicFlags(store: PublicRepositories, clock: Clock): PublicFlags {
  const refusals = createRecentMap<string, { at: number; until: number; challenges: readonly string[] }>(
    CHALLENGES,
  );
  const placeOf = ({ upstream, repository }: RepositoryId): string => `${upstream} ${repository}`;

  return {
    provenFor(repositoryId) {
      const at = store.publicAt(repositoryId);
      const age = at === undefined ? -1 : clock.now() - at;
      // A proof from the future was made before the clock was set back, so its age is unknown.
      return age < 0 ? undefined : age;
    },
    prove(repositoryId) {
      refusals.delete(placeOf(repositoryId));
      store.setPublic(repositoryId, clock.now());
    },
    refuse(repositoryId, challenges = []) {
      store.setPublic(repositoryId, undefined);
      const until = challenges.length === 0 ? 0 : clock.monotonic() + CHALLENGE_MS;
      refusals.set(placeOf(repositoryId), { at: clock.now(), until, challenges });
    },
    challenges(repositoryId) {
      const refusal = refusals.get(placeOf(repositoryId));
      return refusal !== undefined && refusal.until > clock.monotonic() ? refusal.challenges : undefined;
    },
    refusedSince: (repositoryId, at) => (refusals.get(placeOf(repositoryId))?.at ?? -1) >= at,
  };
}
