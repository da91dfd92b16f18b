import type { Clock } from '../../kit/clock.ts';
import type { Access } from '../access/access.ts';
import { isLarderError } from '../../kit/errors.ts';
import { sendBody } from '../http/answer.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { pingedIssuer } from './issuing.ts';
import type { TokenRealm } from './token-realm.ts';
import type { CachedUpstream } from '../access/target.ts';
import type { UpstreamTable } from '../upstreams.ts';
import { toRefusal } from '../../upstream/refusal.ts';

/** Time for which a challenge stands in for an upstream that does not answer. */
const REMEMBERED_MS = 24 * 3600_000;

export interface PingAnswerDeps {
  readonly access: Access;
  readonly tokens: Pick<TokenRealm, 'checkPing'>;
  readonly clock: Clock;
}

export type PingAnswers = (exchange: RegistryExchange, table: UpstreamTable) => Promise<void>;

/**
 * Answers `GET /v2/`, by which crane, skopeo, Podman and Docker decide whether to log in at all:
 * - with Larder's own challenge, if it issues tokens for any upstream that the ping may be for;
 * - in mode `Caller` with one upstream, or with `ns`: as that upstream answers this caller, and with its remembered
 *   challenge while it is down;
 * - otherwise with 200.
 */
export function createPingAnswers({ access, tokens, clock }: PingAnswerDeps): PingAnswers {
  const remembered = new Map<string, { status: number; challenges: readonly string[]; at: number }>();

  return async function answerPing(exchange, table) {
    const issuer = pingedIssuer(table, exchange.ns);
    if (issuer !== undefined) {
      exchange.upstreamName = issuer.name;
      await tokens.checkPing(exchange, issuer);
      sendOk(exchange);
      return;
    }
    const upstream = table.pinged(exchange.ns);
    exchange.upstreamName = upstream?.name;
    if (upstream === undefined || upstream.config.authentication.mode === 'Shared') {
      sendOk(exchange);
      return;
    }
    const answer = await ask(exchange, upstream);
    if (answer.status === 401 || answer.status === 403) throw toRefusal(answer, 'list', upstream.name);
    sendOk(exchange);
  };

  async function ask(
    exchange: RegistryExchange,
    upstream: CachedUpstream,
  ): Promise<{ status: number; challenges: readonly string[] }> {
    const { authorization } = exchange;
    try {
      const response = await upstream.client.request({
        method: 'GET',
        kind: 'ping',
        path: '/v2/',
        credential: access.credentialOf(upstream, authorization),
        signal: exchange.signal,
      });
      response.body.destroy();
      const answer = { status: response.status, challenges: response.challenges, at: clock.now() };
      if (authorization === undefined && (answer.status === 200 || answer.status === 401))
        remembered.set(upstream.name, answer);
      return answer;
    } catch (error) {
      const last = remembered.get(upstream.name);
      if (!isLarderError(error) || exchange.signal.aborted) throw error;
      // An upstream that is down must not keep cached content from any caller: without a remembered challenge the ping succeeds.
      return last !== undefined && clock.now() - last.at < REMEMBERED_MS
        ? last
        : { status: 200, challenges: [] };
    }
  }
}

function sendOk(exchange: RegistryExchange): void {
  sendBody(exchange, 200, { kind: 'hit' }, { 'Content-Type': 'application/json' }, '{}');
}
