import { LRUCache } from 'lru-cache';
import { parseChallenges, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import { discard, type UpstreamExchange } from '../http/exchange.ts';

/**
 * The challenges of an answer from `origin`, Bearer ones first (oras reads no further), with their realms made absolute. A
 * Bearer challenge without a realm that can be read is left out. Throws `UPSTREAM_FORBIDDEN_ADDRESS` for a realm that the
 * guard refuses: neither we nor a client may be sent there.
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

/** What one registry asks of requests without `Authorization`. */
export interface ChallengeMemory {
  /**
   * What a request for `repository` will be challenged with: what it was challenged with last, else what another
   * repository was, with the name changed. Empty when it will probably be served as it is, undefined when nothing is known.
   */
  expected(repository: RepositoryName | undefined): readonly Challenge[] | undefined;
  /** Remembers what such a request was answered. A status from 400 on without challenges tells nothing. */
  learn(repository: RepositoryName | undefined, status: number, challenges: readonly Challenge[]): void;
}

const REMEMBERED = 1000;

export function createChallengeMemory(): ChallengeMemory {
  const known = new LRUCache<string, readonly Challenge[]>({ max: REMEMBERED });
  let pattern: ((repository: RepositoryName) => readonly Challenge[]) | undefined;

  return {
    expected(repository) {
      return known.get(repository ?? PING) ?? (repository && pattern?.(repository));
    },
    learn(repository, status, challenges) {
      if (status >= 400 && challenges.length === 0) return;
      const plain = challenges.map(withoutError);
      known.set(repository ?? PING, plain);
      // A ping is challenged without scope, at Artifact Registry even without service.
      if (repository === undefined || plain.length === 0) return;
      pattern = (other) => plain.map((challenge) => renamed(challenge, repository, other));
    },
  };
}

/** No repository is called so. */
const PING = '';

/** RFC 6750, section 3: these speak of the token that was sent, not of what is asked. */
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
