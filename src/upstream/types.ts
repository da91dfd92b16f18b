import type { Readable } from 'node:stream';
import type { RepositoryName } from '../oci/reference.ts';
import type { Credential } from './credentials/credential.ts';

/** What a request is for: the `kind` label of `larder_upstream_requests_total`. */
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
 * Whose credential a request carries.
 * `own`: the one configured for the repository, else Larder's own anonymous token where the registry wants one.
 * `caller`: the caller's `Authorization` as it came, sent to this upstream's origin and nowhere else. No token is
 * fetched, and the answer is the registry's, 401 and 403 included.
 * `none`: no credential and no token, to see what the registry tells a stranger; otherwise as `caller`.
 */
export type UpstreamCredential = { kind: 'own' } | CallerCredential | { kind: 'none' };

export interface CallerCredential {
  kind: 'caller';
  authorization: string;
  /** Names the credential without showing it (an HMAC, never the header): a 429 counts for all requests of one account. */
  credentialId: string;
  /** True when this upstream accepted this very header elsewhere a moment ago: its refusal here is one of scope. */
  knownGood: boolean;
}

export interface UpstreamRequest {
  method: 'GET' | 'HEAD';
  kind: UpstreamRequestKind;
  /** Undefined for a ping. Decides the configured credential and the token scope. */
  repository?: RepositoryName;
  /** Path and query at the registry, from `/v2/` on. */
  path: string;
  accept?: string;
  /** Bytes wanted: `end` exclusive, open when undefined. Sent as a closed range where `end` is known. */
  range?: { start: number; end?: number };
  credential: UpstreamCredential;
  /** Ends everything about this request, the body too. */
  signal: AbortSignal;
}

/** The final answer, after token exchange and redirects. Any status: see {@link Upstream.request} for what throws instead. */
export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case names; repeated lines are joined by `, `. Of the last hop. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * `WWW-Authenticate` lines for a client, one challenge each, of the registry itself and never of a redirect target:
   * Bearer first, realm quoted and absolute. For credential `own` they are those of the anonymous first request (no `error`).
   * For a `caller` every Bearer challenge says with `error` that the header was refused, and a token is never met with Basic:
   * the challenge of requests without `Authorization` takes its place.
   */
  readonly challenges: readonly string[];
  /** Undefined when the upstream sent no usable `Content-Length`. */
  readonly contentLength: number | undefined;
  /**
   * Must be read to its end or destroyed. Fails with `UPSTREAM_UNREACHABLE` when cut, `UPSTREAM_TIMEOUT` after 60 s
   * without a byte. Bytes are counted into `larder_upstream_bytes_total` as they arrive.
   */
  readonly body: Readable;
  /** The whole body as text or bytes, at most `limit` bytes: beyond it the body is destroyed and `UPSTREAM_BAD_ANSWER` thrown. */
  read(limit: number): Promise<Buffer>;
}

/** A caller that logs in with a credential of its own. */
export interface LoginRequest {
  /** Its `id` names the caller in cool-downs, and must not tell anything of the secret. */
  readonly credential: Credential;
  /** What it wants to read; none to see whether the credential is good at all. */
  readonly repositories: readonly RepositoryName[];
  readonly signal: AbortSignal;
}

/**
 * What became of a login:
 * `accepted`: this `Authorization` is what the registry is to be sent, for `lifeMs` where that is known (a token's rest life);
 * `open`: the registry asks nobody for a login, so there is nothing to send;
 * `refused`: with 401, or 403 where that is what was answered.
 */
export type LoginAnswer =
  | { readonly kind: 'accepted'; readonly authorization: string; readonly lifeMs: number | undefined }
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly status: 401 | 403 };

/** One configured upstream registry. */
export interface Upstream {
  /** `host` or `host:port` as configured: the metric label `upstream_host`, the value of `ns`, the alias. */
  readonly name: string;
  /**
   * Sends one logical request. Connection limits, retry on a connection that failed before any byte, token, redirects,
   * `Retry-After` and the breaker happen inside.
   *
   * Resolves for any HTTP status except:
   * - `UPSTREAM_CREDENTIAL_REFUSED`: 401 or 403 although the configured credential was sent;
   * - `UPSTREAM_RATE_LIMITED`: 429, or a 429's `Retry-After` has not passed yet for this account (then nothing is sent);
   * - `UPSTREAM_5XX`: any 5xx;
   * - `UPSTREAM_UNREACHABLE`, `UPSTREAM_TIMEOUT`, `UPSTREAM_BREAKER_OPEN`, `UPSTREAM_FORBIDDEN_ADDRESS`, `UPSTREAM_BAD_ANSWER`
   *   (protocol errors, redirect loops, an unusable token answer, storage that refuses its own signed address, a `caller`
   *   sent on to another registry that wants a login), and the signal's reason when it aborts;
   * - `OVERLOADED`: all connections were busy for 20 s.
   *
   * With credential `caller` or `none` the first is never thrown: 401 and 403 are answers for that caller. The 400 with which
   * ECR Public refuses a token is a 401 here.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /**
   * Logs a caller in as the registry's own challenge says: at its token server, or with Basic at the registry itself. Nothing
   * that it gets is kept. A token is no proof of access: servers grant what is left of the scopes, even nothing, with success.
   *
   * Throws as {@link Upstream.request} does when no decision could be had, and `UPSTREAM_RATE_LIMITED` after a 429 of this caller.
   */
  logIn(request: LoginRequest): Promise<LoginAnswer>;
  /** Lets running requests and their bodies end, then closes all connections. A request that comes later is `UPSTREAM_UNREACHABLE`. */
  close(): Promise<void>;
}
