import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { parseChallenges, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { RateLimits } from './rate-limits.ts';
import { basicAuthorization } from '../credentials/credential.ts';
import { isBearer, type ChallengeMemory } from './registry-challenges.ts';
import type { Token, TokenRefusal, TokenRequest } from './token-request.ts';
import { REFUSAL_MS } from './tokens.ts';
import type { LoginAnswer, LoginRequest, UpstreamRequest, UpstreamResponse } from '../types.ts';

export interface CallerLoginDeps {
  /** Challenges to anonymous requests; shared with Larder's own requests. */
  readonly challenges: ChallengeMemory;
  readonly rateLimits: RateLimits;
  readonly clock: Clock;
  readonly request: (request: UpstreamRequest) => Promise<UpstreamResponse>;
  readonly requestToken: (request: TokenRequest, signal: AbortSignal) => Promise<Token | TokenRefusal>;
}

/** Number of refused logins that are remembered. */
const REMEMBERED = 10_000;

/**
 * Logs callers in at one registry, by the challenge to anonymous requests for the first repository: a remembered one, else that of
 * one anonymous `HEAD`. If anonymous callers may read the repository, the challenge of `/v2/` is used, so that a wrong password is
 * refused there too. A refused login is refused again for 5 s without a request: containerd repeats each by GET, and token servers
 * lock accounts.
 */
export function createCallerLogin(deps: CallerLoginDeps): (request: LoginRequest) => Promise<LoginAnswer> {
  const { challenges, rateLimits, clock, request, requestToken } = deps;
  const refusals = createRecentMap<string, { answer: LoginAnswer; until: number }>(REMEMBERED);

  async function challengesFor(asked: LoginRequest): Promise<readonly Challenge[]> {
    for (const repository of new Set([asked.repositories[0], undefined])) {
      const known = challenges.expected(repository) ?? [];
      const found = known.length > 0 ? known : await askAnonymously(repository, asked.signal);
      if (found.length > 0) return found;
    }
    return [];
  }

  async function askAnonymously(
    repository: RepositoryName | undefined,
    signal: AbortSignal,
  ): Promise<readonly Challenge[]> {
    const response = await request({
      // No registry counts a HEAD as a pull. A missing tag has the same challenge.
      ...(repository === undefined
        ? { method: 'GET', kind: 'ping', path: '/v2/' }
        : { method: 'HEAD', kind: 'other', path: `/v2/${repository}/manifests/latest`, repository }),
      credential: { kind: 'none' },
      signal,
    });
    response.body.destroy();
    return response.status === 401 ? parseChallenges(response.challenges) : [];
  }

  async function logInForToken(wanted: TokenRequest, signal: AbortSignal): Promise<LoginAnswer> {
    const answer = await requestToken(wanted, signal);
    if ('refusedWith' in answer) return { kind: 'refused', status: answer.refusedWith === 403 ? 403 : 401 };
    const lifeMs = Math.max(0, answer.usableUntil - clock.monotonic());
    return { kind: 'accepted', authorization: `Bearer ${answer.value}`, lifeMs };
  }

  /** Tests the password at `/v2/`. Each later request shows what the caller may read. */
  async function logInWithBasic({ credential, signal }: LoginRequest): Promise<LoginAnswer> {
    const authorization = basicAuthorization(credential);
    if (authorization === undefined) return { kind: 'refused', status: 401 };
    const { status, body } = await request({
      method: 'GET',
      kind: 'ping',
      path: '/v2/',
      credential: { kind: 'caller', authorization, credentialId: credential.credentialId, knownGood: false },
      signal,
    });
    body.destroy();
    return status === 401 || status === 403
      ? { kind: 'refused', status }
      : { kind: 'accepted', authorization, lifeMs: undefined };
  }

  async function attempt(asked: LoginRequest): Promise<LoginAnswer> {
    const { credential, repositories, signal } = asked;
    const found = await challengesFor(asked);
    const bearer = found.find(isBearer)?.parameters;
    const realm = bearer?.get('realm');
    if (bearer !== undefined && realm !== undefined) {
      const scope = scopeOf(repositories, bearer.get('scope'));
      return logInForToken({ realm, service: bearer.get('service'), scope, credential }, signal);
    }
    return found.some(({ scheme }) => scheme === 'basic') ? logInWithBasic(asked) : { kind: 'open' };
  }

  /** The scope in the challenge of the first repository, and the same for the others. ECR Public has `aws` for all. */
  function scopeOf(repositories: readonly RepositoryName[], first: string | undefined): string | undefined {
    const scopes = repositories.map((repository, index) => {
      const known = index === 0 ? first : bearerScope(challenges.expected(repository));
      return known ?? `repository:${repository}:pull`;
    });
    return scopes.length === 0 ? first : [...new Set(scopes)].join(' ');
  }

  return async function logIn(asked) {
    const { credential, repositories } = asked;
    const key = JSON.stringify([credential.credentialId, ...repositories]);
    const refusal = refusals.get(key);
    if (refusal !== undefined && refusal.until > clock.monotonic()) return refusal.answer;
    rateLimits.check(credential.credentialId);
    const answer = await attempt(asked);
    if (answer.kind === 'refused') refusals.set(key, { answer, until: clock.monotonic() + REFUSAL_MS });
    return answer;
  };
}

function bearerScope(challenges: readonly Challenge[] = []): string | undefined {
  return challenges.find(isBearer)?.parameters.get('scope');
}
