import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { Origin, PublicRepositories } from '../../store/types.ts';

/**
 * How long a stranger's 401 answers for its whole repository. containerd begins every fetch without a header, and the second
 * of a pull must not cost another round trip; a repository that becomes public opens after this long at the latest.
 */
const CHALLENGE_MS = 5_000;
const CHALLENGES = 10_000;

/** Which repositories their upstream serves to anybody, and which it refused a moment ago. */
export interface PublicFlags {
  /** Milliseconds since strangers were served from there; undefined when it is not known to be public. */
  provenFor(origin: Origin): number | undefined;
  prove(origin: Origin): void;
  /** Strangers are refused there, with these challenges where it was a 401. */
  refuse(origin: Origin, challenges: readonly string[] | undefined): void;
  /** The challenges of the last refusal while they stand in for asking again. */
  challenges(origin: Origin): readonly string[] | undefined;
  /** True when strangers were refused at `at` (epoch, ms) or later, as far as is remembered. */
  refusedSince(origin: Origin, at: number): boolean;
}

export function createPublicFlags(store: PublicRepositories, clock: Clock): PublicFlags {
  const refusals = new LRUCache<string, { at: number; until: number; challenges: readonly string[] }>({
    max: CHALLENGES,
  });
  const placeOf = ({ upstream, repository }: Origin): string => `${upstream} ${repository}`;

  return {
    provenFor(origin) {
      const at = store.publicAt(origin);
      const age = at === undefined ? -1 : clock.now() - at;
      // A proof from the future is one of before the clock was set back: nobody knows how old it is.
      return age < 0 ? undefined : age;
    },
    prove(origin) {
      refusals.delete(placeOf(origin));
      store.setPublic(origin, clock.now());
    },
    refuse(origin, challenges = []) {
      store.setPublic(origin, undefined);
      const until = challenges.length === 0 ? 0 : clock.monotonic() + CHALLENGE_MS;
      refusals.set(placeOf(origin), { at: clock.now(), until, challenges });
    },
    challenges(origin) {
      const refusal = refusals.get(placeOf(origin));
      return refusal !== undefined && refusal.until > clock.monotonic() ? refusal.challenges : undefined;
    },
    refusedSince: (origin, at) => (refusals.get(placeOf(origin))?.at ?? -1) >= at,
  };
}
