import type { Clock } from '../kit/clock.ts';
import { isLarderError, LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { UpstreamMetrics } from './metrics.ts';
import { createAddressGuard, type Resolve } from './http/address-guard.ts';
import { createAuthorizer, type Authorizer } from './auth/authorizer.ts';
import { createCallerLogin } from './auth/caller-login.ts';
import { createRateLimits, type RateLimits } from './auth/rate-limits.ts';
import type { CredentialHealth } from './credentials/credential-health.ts';
import type { Credential, Credentials } from './credentials/credential.ts';
import { createDispatchers } from './http/dispatchers.ts';
import { discard, readAnswer } from './http/exchange.ts';
import { FIRST_BYTE, headOf, isHeadRefused } from './head.ts';
import { DEFAULT_LIMITS, type UpstreamLimits } from './http/limits.ts';
import { createProxyChoice, type Environment, type ProxySettings } from './http/proxy.ts';
import { createChallengeMemory } from './auth/registry-challenges.ts';
import { parseRetryAfter } from '../kit/retry-after.ts';
import { createRoute, type UpstreamRequester, type RoutedAnswer } from './route.ts';
import { ANONYMOUS, requestToken } from './auth/token-request.ts';
import { createTokens } from './auth/tokens.ts';
import { createUpstreamTransport } from './http/transport.ts';
import type { Upstream, UpstreamRequest, UpstreamResponse } from './types.ts';

export interface UpstreamDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: UpstreamMetrics;
  /** Name resolution; the system's unless told. */
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
  /** Is told which of them the upstream takes. */
  readonly credentialHealth?: Pick<CredentialHealth, 'refused' | 'accepted'>;
  /** CA certificates beside the system's, PEM; asked again for each request, so that a new bundle takes effect. */
  readonly caBundle?: () => string | undefined;
  /** `caches[].proxy`. */
  readonly proxy?: ProxySettings;
  /** For `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`; none unless given. */
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
  const transport = createUpstreamTransport(
    { clock, metrics, logger, dispatchers },
    { ...options, remote, limits },
  );
  const rateLimits = createRateLimits(name, clock);
  // Apart: no crowd of callers makes us forget a limit of our own, and one on anonymous pulls hides the challenge from nobody.
  const callerRateLimits = createRateLimits(name, clock);
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const tokenDeps = { transport, guard, rateLimits, clock };
  const challenges = createChallengeMemory();
  const route = createRoute({
    remote,
    guard,
    send: (request) => transport.send(request),
    registry: authorizerOf(remote, challenges),
    memory: challenges,
    authorizerOf,
  });
  const logIn = createCallerLogin({
    challenges,
    rateLimits: callerRateLimits,
    clock,
    request,
    requestToken: (asked, signal) =>
      requestToken(asked, { ...tokenDeps, rateLimits: callerRateLimits }, signal),
  });

  function authorizerOf(origin: URL, memory = createChallengeMemory()): Authorizer {
    const tokens = createTokens((asked) => requestToken(asked, tokenDeps, closing.signal), clock);
    return createAuthorizer(origin, tokens, memory, guard);
  }

  /** A credential that is refused is replaced once, where there is another: cloud logins end before their time. */
  async function request(asked: UpstreamRequest): Promise<UpstreamResponse> {
    const requester = await requesterOf(asked);
    try {
      return await requestAs(requester, asked);
    } catch (error) {
      if (requester.kind !== 'own' || !isLarderError(error, 'UPSTREAM_CREDENTIAL_REFUSED')) throw error;
      const other = await requesterOf(asked, requester.credential);
      if (limitOf(other).credentialId !== limitOf(requester).credentialId) return requestAs(other, asked);
      credentialHealth?.refused(requester.credential);
      throw error;
    }
  }

  async function requestAs(requester: UpstreamRequester, asked: UpstreamRequest): Promise<UpstreamResponse> {
    const limit = limitOf(requester);
    limit.rateLimits.check(limit.credentialId);
    let reached = await route(outgoing(asked, requester));
    if (asked.method === 'HEAD' && isHeadRefused(asked, reached)) {
      discard(reached.answer);
      reached = await route(outgoing({ ...asked, method: 'GET', range: FIRST_BYTE }, requester));
      reached = { ...reached, answer: headOf(reached.answer) };
    }
    const failure = judge(reached, requester);
    if (failure !== undefined) {
      discard(reached.answer);
      throw failure;
    }
    if (requester.kind === 'own') {
      noteRateLimit(reached);
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

  /** Connections stay open until it has ended. */
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

  /** Where the 429s of an requester count. */
  function limitOf(requester: UpstreamRequester): { rateLimits: RateLimits; credentialId: string } {
    return requester.kind === 'own'
      ? { rateLimits, credentialId: requester.credential?.credentialId ?? ANONYMOUS }
      : { rateLimits: callerRateLimits, credentialId: requester.credentialId };
  }

  function outgoing(asked: UpstreamRequest, requester: UpstreamRequester): Parameters<typeof route>[0] {
    const { method, kind, repository, path, signal } = asked;
    return {
      method,
      kind,
      repository,
      requester,
      signal,
      url: new URL(`${remote.origin}${path}`),
      headers: headersOf(asked),
    };
  }

  /** The error that an answer means, when it is none for a client. */
  function judge(
    { answer, from, credentialSent }: RoutedAnswer,
    requester: UpstreamRequester,
  ): LarderError | undefined {
    const { status, headers } = answer;
    const retryAfter = headers['retry-after'];
    if (status >= 500) {
      const retryAfterSeconds = parseRetryAfter(retryAfter, clock.now());
      return new LarderError(
        'UPSTREAM_5XX',
        `${name} answered ${status}`,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    }
    if (from === 'storage' && (status === 400 || status === 401 || status === 403)) {
      return new LarderError(
        'UPSTREAM_BAD_ANSWER',
        `the storage that ${name} points to answered ${status} to its signed address`,
      );
    }
    if (from === 'other registry' && status === 401 && requester.kind === 'caller') {
      return new LarderError(
        'UPSTREAM_BAD_ANSWER',
        `the registry that ${name} points to wants a login, and only ${name} may see the caller's`,
      );
    }
    if (status === 429) {
      const limit = limitOf(requester);
      return limit.rateLimits.start(limit.credentialId, retryAfter);
    }
    if (requester.kind === 'own' && credentialSent && (status === 401 || status === 403)) {
      return new LarderError(
        'UPSTREAM_CREDENTIAL_REFUSED',
        `${name} answered ${status} to the configured credential`,
        {
          hint: 'check that the login in the Secret, or the identity of the pod, may pull this repository',
        },
      );
    }
    return undefined;
  }

  /** Docker Hub: `ratelimit-remaining: 20;w=21600` on manifests. */
  function noteRateLimit({ answer }: RoutedAnswer): void {
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

/** All requests without any header. No HMAC is called so. */
const ANONYMOUS_CALLER = '';

function headersOf({ accept, range }: UpstreamRequest): Record<string, string> {
  return {
    ...(accept !== undefined && { accept }),
    ...(range !== undefined && {
      range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`,
    }),
  };
}
