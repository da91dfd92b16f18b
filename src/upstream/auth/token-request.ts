import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { parseJson } from '../../kit/parse-json.ts';
import { redactUrl } from '../../kit/redact.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import type { RateLimits } from './rate-limits.ts';
import { basicAuthorization, type Credential } from '../credentials/credential.ts';
import { discard, readAnswer, type UpstreamExchange } from '../http/exchange.ts';
import { redirectTarget } from '../http/redirect.ts';
import type { UpstreamTransport } from '../http/transport.ts';

/** What a token is asked for (distribution, docs/content/spec/auth/token.md). */
export interface TokenRequest {
  /** Absolute URL of the token server, approved by the address guard. */
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string | undefined;
  /** Undefined asks for an anonymous token. */
  readonly credential: Credential | undefined;
}

export interface Token {
  readonly value: string;
  /** On the clock's monotonic time: from then on it is not to be used any more. */
  readonly usableUntil: number;
}

/** A token server does not give this credential, or a stranger, a token. */
export interface TokenRefusal {
  readonly refusedWith: number;
}

export interface TokenRequestDeps {
  readonly transport: UpstreamTransport;
  readonly guard: AddressGuard;
  readonly rateLimits: RateLimits;
  readonly clock: Clock;
}

/** Rate limits of anonymous requests count for all of them together. */
export const ANONYMOUS = 'anonymous';

/**
 * Asks a token server. With a password the form is GET with Basic: every registry known answers it, while POST is refused
 * by Artifact Registry (404), old Harbor (403) and, for some accounts, ACR (400). POST is used for identity tokens, which
 * have no other form, and where GET is answered 404 or 405.
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
 * A login that is not good is 401 or 403, and 400 `invalid_grant` where OAuth 2 is spoken (RFC 6749, section 5.2). Other 4xx to a
 * credential are refusals, too: after none of them a caller may be served on an earlier proof. 408 is trouble.
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
  // Several scopes are several parameters in this form (token.md, "Requesting a Token").
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

/** oauth.md, "Getting a token". */
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

/** token.md, "Token Response Fields": without `expires_in` a token lives 60 s. */
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

/** A server may hand out a token that it issued earlier; both times are from its own clock. */
function ageMs(issuedAt: string | undefined, date: string | undefined): number {
  const age = Date.parse(date ?? '') - Date.parse(issuedAt ?? '');
  return age > 0 ? age : 0;
}
