import { formatChallenge, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import { detached, discard, type UpstreamExchange } from '../http/exchange.ts';
import { isBearer, readChallenges, type ChallengeMemory } from './registry-challenges.ts';

/** One request with a caller's own `Authorization`. */
export interface PassedRequest {
  readonly url: URL;
  readonly repository: RepositoryName | undefined;
  /** Undefined: a caller without one. */
  readonly authorization: string | undefined;
  /** True when this registry accepted the header elsewhere a moment ago. */
  readonly knownGood: boolean;
  /** Sends it, with this `Authorization`. */
  readonly transmit: (authorization: string | undefined) => Promise<UpstreamExchange>;
}

export interface PassedAnswer {
  readonly answer: UpstreamExchange;
  /** `WWW-Authenticate` lines for the caller; empty unless the status is 401. */
  readonly challenges: readonly string[];
}

/** Sends a request, once; a second one without `Authorization` goes out only to learn what a token is asked for with. */
export type PassThrough = (request: PassedRequest) => Promise<PassedAnswer>;

/**
 * A {@link PassThrough} to the registry at `origin`. A refusal reaches the caller in the form from which clients recover:
 *
 * - a Bearer challenge that answers a header has an `error`: without one containerd repeats the same token up to 6 times;
 * - a refused token is answered with the Bearer challenge of requests without header, where the registry has one. Harbor
 *   offers Basic then, for which clients would send the password itself, GHCR nothing, and ECR Public says 400.
 *
 * Only answers to requests without `Authorization` are remembered: those to a header tell about the header.
 */
export function createPassThrough(origin: URL, memory: ChallengeMemory, guard: AddressGuard): PassThrough {
  function read(answer: UpstreamExchange): Challenge[] {
    return answer.status === 401 ? readChallenges(answer, origin, guard) : [];
  }

  async function askWithoutHeader({ repository, transmit }: PassedRequest): Promise<Challenge[]> {
    const answer = await transmit(undefined);
    const challenges = read(answer);
    discard(answer);
    memory.learn(repository, answer.status, challenges);
    return challenges;
  }

  return async (request) => {
    const { repository, authorization, knownGood } = request;
    const answer = await request.transmit(authorization);
    const offered = read(answer);
    if (authorization === undefined) {
      memory.learn(repository, answer.status, offered);
      return { answer, challenges: offered.map(formatChallenge) };
    }
    const error = knownGood && answer.status === 401 ? 'insufficient_scope' : 'invalid_token';
    const show = (challenges: readonly Challenge[]): string[] =>
      challenges.map((challenge) => formatChallenge(withError(challenge, error)));
    if (!isOddRefusal(answer, offered, request)) return { answer, challenges: show(offered) };

    const refusal = await detached(answer);
    const usual = (memory.expected(repository) ?? (await askWithoutHeader(request))).filter(isBearer);
    return usual.length === 0
      ? { answer: refusal, challenges: show(offered) }
      : { answer: { ...refusal, status: 401 }, challenges: show(usual) };
  };
}

/** A token that is refused, other than with a Bearer challenge. With a query, it may be the query that a 400 is about. */
function isOddRefusal(
  { status }: UpstreamExchange,
  offered: readonly Challenge[],
  { authorization, url }: PassedRequest,
): boolean {
  if (!/^bearer /i.test(authorization ?? '')) return false;
  return status === 401 ? !offered.some(isBearer) : status === 400 && url.search === '';
}

/** RFC 6750, section 3, has the characters. */
const ERROR = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

function withError(challenge: Challenge, error: string): Challenge {
  if (!isBearer(challenge) || ERROR.test(challenge.parameters.get('error') ?? '')) return challenge;
  return { ...challenge, parameters: new Map(challenge.parameters).set('error', error) };
}
