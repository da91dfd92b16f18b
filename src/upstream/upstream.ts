import type { Clock } from '../kit/clock.ts';
import { isLarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createAuthorizer, type Authorizer } from './auth/authorizer.ts';
import { createCallerLogin } from './auth/caller-login.ts';
import { createRateLimits } from './auth/rate-limits.ts';
import { createChallengeMemory } from './auth/registry-challenges.ts';
import { ANONYMOUS, requestToken } from './auth/token-request.ts';
import { createTokens } from './auth/tokens.ts';
import type { CredentialHealth } from './credentials/credential-health.ts';
import type { Credential, Credentials } from './credentials/credential.ts';
import { withHeadRepair } from './head.ts';
import { createAddressGuard, type Resolve } from './http/address-guard.ts';
import { createDispatchers } from './http/dispatchers.ts';
import { readAnswer } from './http/exchange.ts';
import { withHostBreakers } from './http/host-breakers.ts';
import { DEFAULT_LIMITS, type UpstreamLimits } from './http/limits.ts';
import { createProxyChoice, type Environment, type ProxySettings } from './http/proxy.ts';
import { createCountedExchange, withRetry } from './http/transport.ts';
import type { UpstreamMetrics } from './metrics.ts';
import { withFailures, withRateLimits, type RateLimitPlace } from './outcome.ts';
import {
  withAuthorization,
  withRedirects,
  type RoutedAnswer,
  type RoutedRequest,
  type UpstreamRequester,
} from './route.ts';
import type { Upstream, UpstreamRequest, UpstreamResponse } from './types.ts';

export interface UpstreamDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: UpstreamMetrics;
  /** Name resolution; the system's by default. */
  readonly resolve?: Resolve;
}

export interface UpstreamOptions {
  /** `host` or `host:port` as configured. */
  readonly name: string;
  /** `http(s)://host[:port]`, as the administrator wrote it. */
  readonly remoteURL: string;
  /** `larder/<version>`. */
  readonly userAgent: string;
  /** The configured credentials. Without one a request is anonymous. */
  readonly credentials?: Credentials;
  /** Learns which of them the upstream accepts and which it refuses. */
  readonly credentialHealth?: Pick<CredentialHealth, 'refused' | 'accepted'>;
  /** Gives CA certificates beside the system's, PEM. Called for each request, so that a new bundle takes effect. */
  readonly caBundle?: () => string | undefined;
  /** `caches[].proxy`. */
  readonly proxy?: ProxySettings;
  /** Holds `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; empty by default. */
  readonly env?: Environment;
  readonly limits?: Partial<UpstreamLimits>;
}

/** The client of one upstream registry; connections open as requests need them. Throws `CONFIG_INVALID` for a proxy that is no URL. */
export function createUpstream(deps: UpstreamDeps, options: UpstreamOptions): Upstream {
  const { clock, metrics } = deps;
  const { name, credentials = () => undefined, credentialHealth, caBundle = () => undefined } = options;
  const remote = new URL(options.remoteURL);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const logger = deps.logger.with({ upstream: name });
  const guard = createAddressGuard(remote, deps.resolve);
  const proxyFor = createProxyChoice(options.proxy ?? {}, options.env ?? {});
  const dispatchers = createDispatchers({ limits, guard, clock, caBundle, proxyFor });
  const rateLimits = createRateLimits(name, clock);
  // Two memories: a crowd of callers must not push out a limit of Larder's own, and a limit of anonymous pulls must not hide the challenge.
  const callerRateLimits = createRateLimits(name, clock);
  const memory = createChallengeMemory();
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();

  // The stack of one request, from the connection upward. Each layer is a function around the layer before it.

  // One HTTP request, with its time-outs, counters and errors.
  const exchangeDeps = { clock, metrics, logger, dispatchers };
  const counted = createCountedExchange(exchangeDeps, { name, userAgent: options.userAgent, limits });
  // Gives a host a pause that fails several times in a row.
  const guarded = withHostBreakers(counted, { clock, metrics, logger }, { name, remote });
  // The server may close a kept-alive connection while a request goes out on it. Above the breakers, so that a retry obeys the pause too.
  const transport = withRetry(guarded);
  // Gives each host the credential that belongs to it, and answers challenges. Tokens come over `transport` too.
  const authorized = withAuthorization(transport, {
    remote,
    guard,
    registry: authorizerOf(remote, memory),
    memory,
    authorizerOf,
  });
  // Registries redirect to storage and to other registries. Above the authorization, because each of them is a host of its own.
  const redirected = withRedirects(authorized, guard);
  // Some registries and storage refuse HEAD. Above the redirects, because the address of storage is signed for one method.
  const repaired = withHeadRepair(redirected);
  // Sends nothing while a 429 of the same credential lasts. Above all layers that send.
  const limited = withRateLimits(repaired, rateLimitPlaceOf);
  // Turns answers that are none for a client into errors. Above the repair, because only a final answer has a meaning.
  const judged = withFailures(limited, name, clock);
  // On top, `request` replaces a refused credential, and `whileOpen` keeps connections open until a request has ended.

  function authorizerOf(origin: URL, challenges = createChallengeMemory()): Authorizer {
    const tokenDeps = { transport, guard, rateLimits, clock };
    const tokens = createTokens((wanted) => requestToken(wanted, tokenDeps, closing.signal), clock);
    return createAuthorizer(origin, tokens, challenges, guard);
  }

  const logIn = createCallerLogin({
    challenges: memory,
    rateLimits: callerRateLimits,
    clock,
    request,
    requestToken: (wanted, signal) =>
      requestToken(wanted, { transport, guard, rateLimits: callerRateLimits, clock }, signal),
  });

  /** Replaces a refused credential once, if there is another: cloud logins end before their time. */
  async function request(asked: UpstreamRequest): Promise<UpstreamResponse> {
    const requester = await requesterOf(asked);
    try {
      return await requestAs(requester, asked);
    } catch (error) {
      if (requester.kind !== 'own' || !isLarderError(error, 'UPSTREAM_CREDENTIAL_REFUSED')) throw error;
      const other = await requesterOf(asked, requester.credential);
      if (rateLimitPlaceOf(other).credentialId !== rateLimitPlaceOf(requester).credentialId)
        return requestAs(other, asked);
      credentialHealth?.refused(requester.credential);
      throw error;
    }
  }

  async function requestAs(requester: UpstreamRequester, asked: UpstreamRequest): Promise<UpstreamResponse> {
    const reached = await judged(routedRequest(requester, asked, remote));
    if (requester.kind === 'own') {
      noteRemainingPulls(reached);
      if (reached.credentialSent) credentialHealth?.accepted(requester.credential);
    }
    const { answer, challenges } = reached;
    const { status, headers, contentLength, body } = answer;
    return {
      status,
      headers,
      challenges,
      contentLength,
      body,
      read: (limit) => readAnswer(answer, name, limit),
    };
  }

  /** Keeps connections open until `work` has ended. */
  async function whileOpen<T>(work: Promise<T>): Promise<T> {
    running.add(work);
    try {
      return await work;
    } finally {
      running.delete(work);
    }
  }

  async function requesterOf(
    { credential, repository, signal }: UpstreamRequest,
    refused?: Credential,
  ): Promise<UpstreamRequester> {
    switch (credential.kind) {
      case 'own':
        return { kind: 'own', credential: await credentials(repository, signal, refused) };
      case 'caller':
        return credential;
      case 'none':
        return { kind: 'caller', authorization: undefined, credentialId: ANONYMOUS_CALLER, knownGood: false };
    }
  }

  function rateLimitPlaceOf(requester: UpstreamRequester): RateLimitPlace {
    return requester.kind === 'own'
      ? { rateLimits, credentialId: requester.credential?.credentialId ?? ANONYMOUS }
      : { rateLimits: callerRateLimits, credentialId: requester.credentialId };
  }

  /** Docker Hub sends `ratelimit-remaining: 20;w=21600` with manifests. */
  function noteRemainingPulls({ answer }: RoutedAnswer): void {
    const remaining = /^\d+/.exec(answer.headers['ratelimit-remaining'] ?? '')?.[0];
    if (remaining !== undefined) metrics.ratelimitRemaining.set({ upstream_host: name }, Number(remaining));
  }

  return {
    name,
    request: (asked) => whileOpen(request(asked)),
    logIn: (asked) => whileOpen(logIn(asked)),
    async close() {
      // A request that still follows a redirect needs a connection for it.
      while (running.size > 0) await Promise.allSettled(running);
      closing.abort(new Error('the upstream is closing'));
      await dispatchers.close();
    },
  };
}

/** Shared by all anonymous callers. No HMAC is empty. */
const ANONYMOUS_CALLER = '';

function routedRequest(requester: UpstreamRequester, asked: UpstreamRequest, remote: URL): RoutedRequest {
  const { method, kind, repository, path, accept, range, signal } = asked;
  const headers = {
    ...(accept !== undefined && { accept }),
    ...(range !== undefined && {
      range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`,
    }),
  };
  return { method, kind, repository, requester, signal, url: new URL(`${remote.origin}${path}`), headers };
}
