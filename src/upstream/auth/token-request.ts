import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { parseJson } from '../../kit/json.ts';
import { redactUrl } from '../../kit/redact.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import type { RateLimits } from './rate-limits.ts';
import { basicAuthorization, type Credential } from '../credentials/credential.ts';
import { discard, readAnswer, type UpstreamExchange } from '../http/exchange.ts';
import { redirectTarget } from '../http/redirect.ts';
import type { UpstreamTransport } from '../http/transport.ts';

/** Parameters of a token (distribution, spec/auth/token.md). */
export interface TokenRequest {
  /** Absolute URL of the token server. The address guard has approved it. */
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string | undefined;
  /** Undefined for an anonymous token. */
  readonly credential: Credential | undefined;
}

export interface Token {
  readonly value: string;
  /** Time on the monotonic clock from which the token must not be used. */
  readonly usableUntil: number;
}

/** The token server refuses a token to this credential, or to an anonymous caller. */
export interface TokenRefusal {
  readonly refusedWith: number;
}

export interface TokenRequestDeps {
  readonly transport: UpstreamTransport;
  readonly guard: AddressGuard;
  readonly rateLimits: RateLimits;
  readonly clock: Clock;
}

/** The credential id of all anonymous requests: they share their rate limits. */
export const ANONYMOUS = 'anonymous';

/**
 * Buys a token. A password goes by GET with Basic, which every known registry answers, while Artifact Registry (404), old Harbor (403) and,
 * for some accounts, ACR (400) refuse POST. POST is for identity tokens, which have no other form, and for servers that answer GET with 404
 * or 405.
 *
 * @throws `UPSTREAM_RATE_LIMITED`, `UPSTREAM_5XX`, `UPSTREAM_BAD_ANSWER`, and what the transport throws.
 */
export async function requestToken(
  request: TokenRequest,
  deps: TokenRequestDeps,
  signal: AbortSignal,
): Promise<Token | TokenRefusal> {
  const { credential, realm } = request;
  const credentialId = credential?.credentialId ?? ANONYMOUS;
  const where = `the token server ${redactUrl(realm)}`;
  deps.rateLimits.check(credentialId);
  const askedAt = deps.clock.monotonic();

  let answer = await (credential?.kind === 'identity-token' ? byPost : byGet)(request, deps, signal);
  if ((answer.status === 404 || answer.status === 405) && credential?.kind === 'password') {
    discard(answer);
    answer = await byPost(request, deps, signal);
  }
  const { status } = answer;
  if (status >= 200 && status < 300) {
    return readToken(await readAnswer(answer, where, ANSWER_LIMIT), answer, askedAt, where);
  }
  discard(answer);
  if (status === 429) throw deps.rateLimits.record(credentialId, answer.headers['retry-after']);
  if (status >= 500) throw new LarderError('UPSTREAM_5XX', `${where} answered ${status}`);
  if (isRefusal(status, credential)) return { refusedWith: status };
  throw new LarderError('UPSTREAM_BAD_ANSWER', `${where} answered ${status}`);
}

/**
 * True for a refusal: 401 or 403, and 400 `invalid_grant` of OAuth 2 (RFC 6749, section 5.2). Any other 4xx to a credential is a refusal
 * too, because after none of them a caller may be served on an earlier proof. 408 is a failure.
 */
function isRefusal(status: number, credential: Credential | undefined): boolean {
  if (status === 401 || status === 403) return true;
  return credential !== undefined && status >= 400 && status !== 408;
}

const ANSWER_LIMIT = 256 * 1024;
const CLIENT_ID = 'larder';

async function byGet(
  request: TokenRequest,
  deps: TokenRequestDeps,
  signal: AbortSignal,
): Promise<UpstreamExchange> {
  const authorization = basicAuthorization(request.credential);
  const start = new URL(request.realm);
  if (request.service !== undefined) start.searchParams.set('service', request.service);
  // Each scope is a parameter of its own (token.md, "Requesting a Token").
  for (const scope of request.scope?.split(' ') ?? []) start.searchParams.append('scope', scope);
  for (let url = start, hop = 1; ; hop += 1) {
    const headers = authorization !== undefined && url.origin === start.origin ? { authorization } : {};
    const answer = await deps.transport({ method: 'GET', kind: 'token', url, headers, signal });
    const target = redirectTarget(answer, url, hop, deps.guard);
    if (target === undefined) return answer;
    discard(answer);
    url = target;
  }
}

/** The form of oauth.md, "Getting a token". */
function byPost(
  request: TokenRequest,
  deps: TokenRequestDeps,
  signal: AbortSignal,
): Promise<UpstreamExchange> {
  const { credential, realm, service, scope } = request;
  const form = new URLSearchParams({ service: service ?? '', client_id: CLIENT_ID });
  if (scope !== undefined) form.set('scope', scope);
  if (credential?.kind === 'password') {
    form.set('grant_type', 'password');
    form.set('username', credential.username);
    form.set('password', credential.password);
  } else {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credential?.token ?? '');
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return deps.transport({
    method: 'POST',
    kind: 'token',
    url: new URL(realm),
    headers,
    body: form.toString(),
    signal,
  });
}

const ANSWER = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional().catch(undefined),
  issued_at: z.string().optional().catch(undefined),
});

/** A token without `expires_in` lives 60 s (token.md, "Token Response Fields"). */
const DEFAULT_LIFE_SECONDS = 60;

function readToken(body: Buffer, answer: UpstreamExchange, askedAt: number, where: string): Token {
  const parsed = ANSWER.safeParse(parseJson(body.toString('utf8'))).data;
  const value = parsed?.token || parsed?.access_token;
  if (parsed === undefined || !value || !/^[\x21-\x7e]+$/.test(value)) {
    throw new LarderError('UPSTREAM_BAD_ANSWER', `${where} answered ${answer.status} without a usable token`);
  }
  const life = 1000 * Math.max(0, parsed.expires_in ?? DEFAULT_LIFE_SECONDS);
  const left = life - ageMs(parsed.issued_at, answer.headers['date']);
  return { value, usableUntil: askedAt + left - Math.min(10_000, life / 10) };
}

/** The age of a token that the server issued earlier. Both times are from the server's own clock. */
function ageMs(issuedAt: string | undefined, date: string | undefined): number {
  const age = Date.parse(date ?? '') - Date.parse(issuedAt ?? '');
  return age > 0 ? age : 0;
}
