import type { Presented } from '../access/presented.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { LoginRequired } from '../http/login-required.ts';
import type { CachedUpstream, Destination } from '../access/target.ts';
import type { OwnChallenge, TokenProblem } from './own-challenge.ts';
import { covers, type TokenContents } from './token-contents.ts';
import type { TokenSeal } from './token-seal.ts';

/** Reads the tokens that clients bring back. */
export interface TokenReader {
  /**
   * What the `Authorization` of a request presents to the upstream of `destination`, which issues tokens; undefined for a caller without
   * one, or with a token for anybody. Throws `TOKEN_REQUIRED` for anything else: a password (it belongs to the token endpoint), a
   * token that is expired or not ours, or one for other repositories.
   */
  read(exchange: RegistryExchange, target: Destination): Promise<Presented | undefined>;
  /** Lets a ping pass that brings any token of ours; throws `TOKEN_REQUIRED` with the challenge of `upstream` otherwise. */
  checkPing(exchange: RegistryExchange, upstream: CachedUpstream): Promise<void>;
  /** True for a token of ours, which is nothing for the upstreams that clients log in at themselves. */
  isOurs(authorization: string): Promise<boolean>;
}

export function createTokenReader(seal: TokenSeal, challenge: OwnChallenge): TokenReader {
  async function open(authorization: string): Promise<TokenContents | undefined> {
    const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    return token === undefined ? undefined : seal.open(token);
  }

  function refuse(
    exchange: RegistryExchange,
    upstream: CachedUpstream,
    name: string | undefined,
    problem?: TokenProblem,
  ): LoginRequired {
    return new LoginRequired(MESSAGES[problem ?? 'none'], challenge(exchange, upstream, name, problem));
  }

  return {
    async read(exchange, target) {
      const { authorization } = exchange;
      if (authorization === undefined) return undefined;
      const { upstream, visibleName } = target;
      const contents = await open(authorization);
      if (contents === undefined) throw refuse(exchange, upstream, visibleName, 'invalid_token');
      if (contents.grants === 'anonymous') return undefined;
      const grant = contents.grants.find((one) => covers(one, target));
      if (grant === undefined) throw refuse(exchange, upstream, visibleName, 'insufficient_scope');
      const { account, authorization: presented, grace } = grant;
      // An upstream that asks nobody for a login knows its callers as little as strangers.
      return presented === undefined && grace === undefined
        ? undefined
        : { authorization: presented, account };
    },

    async checkPing(exchange, upstream) {
      const { authorization } = exchange;
      if (authorization !== undefined && (await open(authorization)) !== undefined) return;
      const isToken = authorization !== undefined && /^bearer /i.test(authorization);
      throw refuse(exchange, upstream, undefined, isToken ? 'invalid_token' : undefined);
    },

    isOurs: async (authorization) => (await open(authorization)) !== undefined,
  };
}

const MESSAGES = {
  none: 'a token of this cache is needed',
  invalid_token: 'this is no token of this cache, or one that has expired',
  insufficient_scope: 'this token is for other repositories',
} as const;
