import type { Readable } from 'node:stream';
import type { RepositoryName } from '../oci/reference.ts';
import type { Credential } from './credentials/credential.ts';

/** Purpose of a request: the `kind` label of `larder_upstream_requests_total`. */
export type UpstreamRequestKind =
  | 'ping'
  | 'manifest'
  | 'blob'
  | 'range'
  | 'tags'
  | 'referrers'
  | 'token'
  | 'other';

/**
 * The credential of a request.
 * `own`: the credential configured for the repository, else Larder's own anonymous token where the registry wants one.
 * `caller`: the caller's unchanged `Authorization`, sent to this upstream's origin and nowhere else. No token is fetched, and the answer is
 * the registry's, 401 and 403 included.
 * `none`: no credential and no token, to get the registry's answer to an anonymous caller; otherwise as `caller`.
 */
export type UpstreamCredential = { kind: 'own' } | CallerCredential | { kind: 'none' };

export interface CallerCredential {
  kind: 'caller';
  authorization: string;
  /** Names the credential without showing it: an HMAC, never the header. A 429 counts for all requests with the same one. */
  credentialId: string;
  /** True if this upstream has just accepted this very header elsewhere: a refusal here is one of scope. */
  knownGood: boolean;
}

export interface UpstreamRequest {
  method: 'GET' | 'HEAD';
  kind: UpstreamRequestKind;
  /** Chooses the configured credential and the token scope; undefined for a ping. */
  repository?: RepositoryName;
  /** Path at the registry, from `/v2/` on, and query. */
  path: string;
  accept?: string;
  /** Bytes to fetch, up to but not including `end`, or to the end of the body. With `end` the request has a closed range. */
  range?: { start: number; end?: number };
  credential: UpstreamCredential;
  /** Ends the request and the body of its answer. */
  signal: AbortSignal;
}

/** The final answer, after token exchange and redirects. {@link Upstream.request} lists the statuses that are thrown instead. */
export interface UpstreamResponse {
  readonly status: number;
  /** Headers of the last hop: names in lower case, repeated lines joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * `WWW-Authenticate` lines for a client, one challenge each. They come from the registry itself and never from a redirect target.
   * Bearer is first, with a quoted and absolute realm. With credential `own` they are those of the anonymous first request, without
   * `error`. With a `caller` every Bearer challenge says by `error` that the header was refused. Basic never answers a token: the
   * challenge of requests without `Authorization` takes its place.
   */
  readonly challenges: readonly string[];
  /** Undefined without a usable `Content-Length` of the upstream. */
  readonly contentLength: number | undefined;
  /**
   * Must be read to its end or destroyed. Fails with `UPSTREAM_UNREACHABLE` when cut, and with `UPSTREAM_TIMEOUT` after 60 s without a
   * byte. Counts bytes into `larder_upstream_bytes_total` as they arrive.
   */
  readonly body: Readable;
  /** Reads the whole body. Destroys a body of more than `limit` bytes and throws `UPSTREAM_BAD_ANSWER`. */
  read(limit: number): Promise<Buffer>;
}

/** Login of a caller with its own credential. */
export interface LoginRequest {
  /** Its `credentialId` names the caller in rate limits, and must not reveal anything of the secret. */
  readonly credential: Credential;
  /** Repositories that the caller wants to read; none for a login that only tests the credential. */
  readonly repositories: readonly RepositoryName[];
  readonly signal: AbortSignal;
}

/**
 * Outcome of a login.
 * `accepted`: the registry takes this `Authorization`, for `lifeMs` where the rest of a token's life is known.
 * `open`: the registry asks for no login, so there is nothing to send.
 * `refused`: with 401, or with 403 where that was the answer.
 */
export type LoginAnswer =
  | { readonly kind: 'accepted'; readonly authorization: string; readonly lifeMs: number | undefined }
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly status: 401 | 403 };

/** One configured upstream registry. */
export interface Upstream {
  /** `host` or `host:port` as configured: the metric label `upstream_host`, the value of `ns`, and the alias. */
  readonly name: string;
  /**
   * Sends one logical request through the layers of `upstream.ts`: connection limits, circuit breaker, a retry after a connection
   * that broke before any byte, tokens, redirects, rate limits.
   *
   * Resolves for any HTTP status except:
   * - `UPSTREAM_CREDENTIAL_REFUSED`: 401 or 403 although the configured credential was sent;
   * - `UPSTREAM_RATE_LIMITED`: 429, or the `Retry-After` of this credential's last 429 has not passed yet, and nothing was sent;
   * - `UPSTREAM_5XX`: any 5xx;
   * - `UPSTREAM_UNREACHABLE`, `UPSTREAM_TIMEOUT`, `UPSTREAM_BREAKER_OPEN`, `UPSTREAM_FORBIDDEN_ADDRESS`, `UPSTREAM_BAD_ANSWER`
   *   (protocol errors, redirect loops, an unusable token answer, storage that refuses its own signed address, another registry
   *   that wants a login from a `caller`), and the signal's reason when it aborts;
   * - `OVERLOADED`: all connections were busy for 20 s.
   *
   * With credential `caller` or `none` the first is never thrown: 401 and 403 are answers for that caller. The 400 by which ECR
   * Public refuses a token becomes a 401.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /**
   * Logs a caller in as the registry's challenge demands: at its token server, or with Basic at the registry itself. Keeps nothing of the
   * outcome. A token is no proof of access: servers grant what is left of the scopes, even nothing, with success.
   *
   * Throws as {@link Upstream.request} does if the registry made no decision, and `UPSTREAM_RATE_LIMITED` after a 429 of this caller.
   */
  logIn(request: LoginRequest): Promise<LoginAnswer>;
  /** Waits for running requests and their bodies, then closes all connections. A later request fails with `UPSTREAM_UNREACHABLE`. */
  close(): Promise<void>;
}
