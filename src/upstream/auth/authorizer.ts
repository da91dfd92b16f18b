import { formatChallenge, type Challenge } from '../../oci/challenge.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import { basicAuthorization, type Credential } from '../credentials/credential.ts';
import { detached, type UpstreamExchange } from '../http/exchange.ts';
import { isBearer, readChallenges, type ChallengeMemory } from './registry-challenges.ts';
import type { TokenRequest } from './token-request.ts';
import { tokenKey, type IssuedToken, type Tokens } from './tokens.ts';

/** One request to a registry that may demand a login. */
export interface AuthorizedRequest {
  readonly repository: RepositoryName | undefined;
  readonly credential: Credential | undefined;
  readonly signal: AbortSignal;
  /** Sends the request with this `Authorization`. */
  readonly transmit: (authorization: string | undefined) => Promise<UpstreamExchange>;
}

export interface AuthorizedAnswer {
  readonly answer: UpstreamExchange;
  /** Challenges for clients: those of a request without `Authorization`, empty if such a request is served. */
  readonly challenges: readonly string[];
  /** True if the request carried the credential itself, or a token bought with it. */
  readonly credentialSent: boolean;
}

/** Answers the challenges of one registry. */
export interface Authorizer {
  /** Sends the request, at most three times. A last 401 is an answer. Throws as {@link Tokens.get} does. */
  send(request: AuthorizedRequest): Promise<AuthorizedAnswer>;
}

/** First with a predicted or remembered token, then as the challenge demands, then with a new token. */
const MAX_SENT = 3;

/**
 * An {@link Authorizer} for the registry at `origin`, with its own tokens and memory: a token for one host never goes to another.
 *
 * Expects the challenge of one repository for the others too, so that only the first request spends a 401. The challenge after a
 * wrong guess corrects it. A token that is refused before its end is replaced once.
 */
export function createAuthorizer(
  origin: URL,
  tokens: Tokens,
  memory: ChallengeMemory,
  guard: AddressGuard,
): Authorizer {
  /** Chooses the first attempt. A token that cannot be bought is no failure yet: the registry may not demand one now. */
  async function predict(request: AuthorizedRequest): Promise<Attempt> {
    // The challenges of a ping are its answer, so it goes out as a client would send it.
    const plan = request.repository && choose(memory.expected(request.repository) ?? [], request);
    if (plan === undefined) return {};
    if ('authorization' in plan) return plan;
    try {
      return attemptWith(plan, await tokens.get(plan, request.signal)) ?? {};
    } catch (error) {
      if (request.signal.aborted) throw error;
      return { failure: { key: tokenKey(plan), error: error as Error } };
    }
  }

  /** Chooses the attempt after `last` was refused with `challenges`; undefined if no other attempt could help. */
  async function respond(
    challenges: readonly Challenge[],
    request: AuthorizedRequest,
    last: Attempt,
  ): Promise<Attempt | undefined> {
    const offered = choose(challenges, request);
    // Harbor answers a refused token with Basic, GHCR with no challenge. The token must be replaced all the same.
    const plan =
      last.asked !== undefined && (offered === undefined || 'authorization' in offered)
        ? last.asked
        : offered;
    if (plan === undefined) return undefined;
    if ('authorization' in plan) return last.authorization === undefined ? plan : undefined;
    const key = tokenKey(plan);
    if (last.failure?.key === key) throw last.failure.error;
    const again = last.asked !== undefined && tokenKey(last.asked) === key;
    if (again && last.grant?.fresh === true) return undefined;
    return attemptWith(plan, await tokens.get(plan, request.signal, again ? last.grant?.value : undefined));
  }

  return {
    async send(request) {
      const { repository, credential } = request;
      let attempt = await predict(request);
      for (let sent = 1; ; sent += 1) {
        let answer = await request.transmit(attempt.authorization);
        let next: Attempt | undefined;
        const challenges = answer.status === 401 ? readChallenges(answer, origin, guard) : [];
        const isAsked = attempt.authorization === undefined || challenges.some(isBearer);
        if (isAsked) memory.learn(repository, answer.status, challenges);
        if (sent < MAX_SENT && isRefusal(answer, attempt)) {
          answer = await detached(answer);
          next = await respond(challenges, request, attempt);
        }
        if (next === undefined) {
          return {
            answer,
            challenges: (memory.expected(repository) ?? []).map(formatChallenge),
            credentialSent: attempt.authorization !== undefined && credential !== undefined,
          };
        }
        attempt = next;
      }
    },
  };
}

/** One way to send a request. */
interface Attempt {
  readonly authorization?: string;
  /** The token in `authorization`. */
  readonly asked?: TokenRequest;
  readonly grant?: IssuedToken;
  /** Error of a predicted token that could not be bought. */
  readonly failure?: { readonly key: string; readonly error: Error };
}

function attemptWith(asked: TokenRequest, grant: IssuedToken | undefined): Attempt | undefined {
  return grant && { authorization: `Bearer ${grant.value}`, asked, grant };
}

/** ECR Public answers 400 to an expired token (containers-roadmap#2835). */
function isRefusal({ status }: UpstreamExchange, { grant }: Attempt): boolean {
  return status === 401 || (status === 400 && grant?.fresh === false);
}

/** Prefers Bearer to Basic, as every client does. Basic needs a password to send. */
function choose(
  challenges: readonly Challenge[],
  { repository, credential }: AuthorizedRequest,
): TokenRequest | { authorization: string } | undefined {
  const parameters = challenges.find(isBearer)?.parameters;
  const realm = parameters?.get('realm');
  if (parameters !== undefined && realm !== undefined) {
    const scope = parameters.get('scope') ?? (repository && `repository:${repository}:pull`);
    return { realm, service: parameters.get('service'), scope, credential };
  }
  const authorization = basicAuthorization(credential);
  return authorization !== undefined && challenges.some(({ scheme }) => scheme === 'basic')
    ? { authorization }
    : undefined;
}
