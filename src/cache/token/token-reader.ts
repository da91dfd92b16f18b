import type { PresentedCredential } from '../access/presented-credential.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { LoginRequired } from '../http/login-required.ts';
import type { CachedUpstream, Destination } from '../access/target.ts';
import type { OwnChallenge, TokenProblem } from './own-challenge.ts';
import { covers, type TokenContents } from './token-contents.ts';
import type { TokenSeal } from './token-seal.ts';

/** Reads the tokens that clients bring back. */
export interface TokenReader {
  /**
   * The credential that a request presents to the upstream of `target`, which issues tokens. Undefined for a caller without
   * `Authorization`, or with an anonymous token. Throws `TOKEN_REQUIRED` for anything else: a password (only the token
   * endpoint takes those), a token that has expired or that Larder did not make, or a token for other repositories.
   */
  read(exchange: RegistryExchange, target: Destination): Promise<PresentedCredential | undefined>;
  /** Throws `TOKEN_REQUIRED` with the challenge of `upstream` unless the ping brings any token of Larder. */
  checkPing(exchange: RegistryExchange, upstream: CachedUpstream): Promise<void>;
  /** True for a token of Larder, which must not go to upstreams that clients log in at themselves. */
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
      const { account: credentialId, authorization: presented, grace } = grant;
      // An upstream that requires no login cannot distinguish its callers: they are anonymous.
      return presented === undefined && grace === undefined
        ? undefined
        : { authorization: presented, credentialId };
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
  none: 'this request needs a token of this cache',
  invalid_token: 'not a token of this cache, or an expired one',
  insufficient_scope: 'this token is for other repositories',
} as const;
