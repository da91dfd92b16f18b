import { formatChallenge, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import { detached, discard, type UpstreamExchange } from '../http/exchange.ts';
import { isBearer, readChallenges, type ChallengeMemory } from './registry-challenges.ts';

/** One request with a caller's own `Authorization`. */
export interface PassedRequest {
  readonly url: URL;
  readonly repository: RepositoryName | undefined;
  /** Undefined for an anonymous caller. */
  readonly authorization: string | undefined;
  /** True if this registry has just accepted the header elsewhere. */
  readonly knownGood: boolean;
  /** Sends the request with this `Authorization`. */
  readonly transmit: (authorization: string | undefined) => Promise<UpstreamExchange>;
}

export interface PassedAnswer {
  readonly answer: UpstreamExchange;
  /** `WWW-Authenticate` lines for the caller; empty for any status but 401. */
  readonly challenges: readonly string[];
}

/** Sends a request once. A second one, without `Authorization`, goes out only to learn the challenge for a token. */
export type PassThrough = (request: PassedRequest) => Promise<PassedAnswer>;

/**
 * A {@link PassThrough} to the registry at `origin`. Gives refusals the form from which clients recover:
 *
 * - A Bearer challenge that answers a header has an `error`. Without one containerd repeats the same token up to 6 times.
 * - A refused token gets the Bearer challenge of requests without header, if the registry has one. Harbor offers Basic instead, for which
 *   clients would send the password itself, GHCR offers nothing, and ECR Public answers 400.
 *
 * Remembers only answers to requests without `Authorization`, because the others are about the header.
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
    if (!lacksBearerChallenge(answer, offered, request)) return { answer, challenges: show(offered) };

    const refusal = await detached(answer);
    const usual = (memory.expected(repository) ?? (await askWithoutHeader(request))).filter(isBearer);
    return usual.length === 0
      ? { answer: refusal, challenges: show(offered) }
      : { answer: { ...refusal, status: 401 }, challenges: show(usual) };
  };
}

/** True for a token that is refused without a Bearer challenge. A 400 to a request with a query may be about the query. */
function lacksBearerChallenge(
  { status }: UpstreamExchange,
  offered: readonly Challenge[],
  { authorization, url }: PassedRequest,
): boolean {
  if (!/^bearer /i.test(authorization ?? '')) return false;
  return status === 401 ? !offered.some(isBearer) : status === 400 && url.search === '';
}

/** The characters of RFC 6750, section 3. */
const ERROR = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

function withError(challenge: Challenge, error: string): Challenge {
  if (!isBearer(challenge) || ERROR.test(challenge.parameters.get('error') ?? '')) return challenge;
  return { ...challenge, parameters: new Map(challenge.parameters).set('error', error) };
}
