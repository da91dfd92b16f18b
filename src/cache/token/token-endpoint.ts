import type { CacheMetrics, TokenOutcome } from '../metrics.ts';
import { sendBody } from '../http/answer.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import type { CachedUpstream, Destination } from '../access/target.ts';
import type { UpstreamTable } from '../upstreams.ts';
import { askedScopes } from './asked-scopes.ts';
import type { CallerGrants, Wanted } from './caller-grants.ts';
import { requireConfidential } from './confidential.ts';
import { issuesTokens, issuingUpstream } from './issuing.ts';
import { pullScope } from './own-challenge.ts';
import { covers, DEFAULT_LIFE_MS } from './token-contents.ts';
import type { SealedToken, TokenSeal } from './token-seal.ts';
import { readTokenForm, type ClientLogin } from './token-form.ts';

export interface TokenEndpointDeps {
  readonly seal: TokenSeal;
  readonly grantsFor: (
    login: ClientLogin,
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ) => Promise<CallerGrants>;
  readonly metrics: CacheMetrics;
  readonly externalUrl: URL | undefined;
}

export type TokenEndpoint = (exchange: RegistryExchange, table: UpstreamTable, name: string) => Promise<void>;

/**
 * Answers `/token/<upstream>`: a caller whose login the upstream accepts gets a token, a caller without a login an anonymous
 * token. Scopes name repositories as the client's requests do, so an alias in a scope leads to another upstream, with the
 * login that the client keeps for this host. Throws `NAME_UNKNOWN`, `TLS_REQUIRED`, `REQUEST_INVALID`, `UNSUPPORTED`, and the
 * reason why there is no token.
 */
export function createTokenEndpoint(deps: TokenEndpointDeps): TokenEndpoint {
  const { seal, grantsFor, metrics, externalUrl } = deps;

  return async function answerToken(exchange, table, name) {
    exchange.allow = 'GET, POST';
    const upstream = issuingUpstream(table, name);
    requireConfidential(exchange.request.socket, externalUrl);
    const { login, scopes } = await readTokenForm(exchange);
    // A name without an alias belongs to this upstream, as with `ns`.
    const asked = askedScopes(scopes, (visibleName) => table.destination(visibleName, upstream.name));
    if (login === undefined) {
      metrics.tokens.inc({ upstream_host: upstream.name, outcome: 'anonymous' satisfies TokenOutcome });
      send(exchange, await seal.seal({ grants: 'anonymous' }, DEFAULT_LIFE_MS), asked);
      return;
    }
    const { grants, lifeMs } = await grantsFor(login, wantedOf(asked, upstream), exchange.signal);
    const granted = asked.filter((target) => grants.some((grant) => covers(grant, target)));
    send(exchange, await seal.seal({ grants: [...grants] }, lifeMs), granted);
  };
}

/**
 * Groups the repositories by upstream. A client that only logs in (`docker login`) names none: its login is tried at the
 * upstream of the path.
 */
function wantedOf(asked: readonly Destination[], upstream: CachedUpstream): Wanted[] {
  if (asked.length === 0) return [{ upstream, repositories: [] }];
  const byUpstream = Map.groupBy(asked, (target) => target.upstream);
  return [...byUpstream]
    .filter(([one]) => issuesTokens(one))
    .map(([one, targets]) => ({
      upstream: one,
      repositories: [...new Set(targets.map(({ repository }) => repository))],
    }));
}

/** Sends the fields of token.md, "Token Response Fields", and `scope`, which oauth.md requires. */
function send(
  exchange: RegistryExchange,
  { token, issuedAt, expiresInSeconds }: SealedToken,
  granted: readonly Destination[],
): void {
  const document = {
    token,
    access_token: token,
    expires_in: expiresInSeconds,
    issued_at: new Date(issuedAt * 1000).toISOString(),
    scope: granted.map(({ visibleName }) => pullScope(visibleName)).join(' '),
  };
  sendBody(
    exchange,
    200,
    { kind: 'bypass', detail: 'TOKEN' },
    { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    JSON.stringify(document),
  );
}
