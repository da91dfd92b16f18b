import { createRecentMap } from '../../kit/recent-map.ts';
import { parseChallenges, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import { discard, type UpstreamExchange } from '../http/upstream-exchange.ts';

/**
 * Reads the challenges of an answer from `origin`, Bearer first (oras reads no further), and makes their realms absolute. Leaves
 * out a Bearer challenge without a readable realm. Throws `UPSTREAM_FORBIDDEN_ADDRESS` for a realm that the guard refuses: neither
 * Larder nor a client may be sent there.
 */
export function readChallenges(answer: UpstreamExchange, origin: URL, guard: AddressGuard): Challenge[] {
  try {
    const challenges = parseChallenges(answer.challenges).flatMap((found) => absolute(found, origin, guard));
    return challenges.sort((a, b) => Number(isBearer(b)) - Number(isBearer(a)));
  } catch (error) {
    discard(answer);
    throw error;
  }
}

function absolute(challenge: Challenge, origin: URL, guard: AddressGuard): Challenge[] {
  if (!isBearer(challenge)) return [challenge];
  const realm = challenge.parameters.get('realm');
  if (realm === undefined || !URL.canParse(realm, origin.href)) return [];
  const url = new URL(realm, origin);
  guard.check(url, 'token server');
  return [{ ...challenge, parameters: new Map(challenge.parameters).set('realm', url.href) }];
}

export function isBearer({ scheme }: Challenge): boolean {
  return scheme === 'bearer';
}

/** The challenges of one registry to requests without `Authorization`. */
export interface ChallengeMemory {
  /**
   * Predicts the challenge to a request for `repository`: its own last one, else that of another repository with the name changed. Empty
   * if the request will probably be served without credential, undefined if nothing is known.
   */
  expected(repository: RepositoryName | undefined): readonly Challenge[] | undefined;
  /** Remembers the answer to such a request. A status from 400 on without challenges is ignored. */
  learn(repository: RepositoryName | undefined, status: number, challenges: readonly Challenge[]): void;
}

const REMEMBERED = 1000;

export function createChallengeMemory(): ChallengeMemory {
  const known = createRecentMap<string, readonly Challenge[]>(REMEMBERED);
  let pattern: ((repository: RepositoryName) => readonly Challenge[]) | undefined;

  return {
    expected(repository) {
      return known.get(repository ?? PING) ?? (repository && pattern?.(repository));
    },
    learn(repository, status, challenges) {
      if (status >= 400 && challenges.length === 0) return;
      const plain = challenges.map(withoutError);
      known.set(repository ?? PING, plain);
      // The challenge to a ping has no scope, and at Artifact Registry no service either.
      if (repository === undefined || plain.length === 0) return;
      pattern = (other) => plain.map((challenge) => renamed(challenge, repository, other));
    },
  };
}

/** The key of pings. No repository has an empty name. */
const PING = '';

/** Removes the parameters about the token that was sent (RFC 6750, section 3). */
function withoutError(challenge: Challenge): Challenge {
  const parameters = new Map(challenge.parameters);
  for (const name of ['error', 'error_description', 'error_uri']) parameters.delete(name);
  return { ...challenge, parameters };
}

function renamed(challenge: Challenge, from: RepositoryName, to: RepositoryName): Challenge {
  const scope = challenge.parameters.get('scope')?.replaceAll(`repository:${from}:`, `repository:${to}:`);
  return scope === undefined
    ? challenge
    : { ...challenge, parameters: new Map(challenge.parameters).set('scope', scope) };
}
