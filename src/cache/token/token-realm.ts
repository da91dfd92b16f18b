import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CacheMetrics } from '../metrics.ts';
import type { Documents } from '../../store/types.ts';
import type { AccessForTokens } from '../access/access.ts';
import { excusesStaleness, UpstreamRefusal } from '../../upstream/refusal.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { LoginRequired } from '../http/login-required.ts';
import type { Destination } from '../access/target.ts';
import { createCallerGrants } from './caller-grants.ts';
import { createKeyRing } from './key-ring.ts';
import { createOwnChallenge } from './own-challenge.ts';
import { createTokenEndpoint, type TokenEndpoint } from './token-endpoint.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';
import { createTokenSeal } from './token-seal.ts';

export interface TokenRealmDeps {
  readonly store: Documents;
  readonly access: AccessForTokens;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CacheMetrics;
  /** `--external-url`. */
  readonly externalUrl: URL | undefined;
}

/** Larder as the token endpoint of its upstreams with `authentication.realm: Cache`. */
export interface TokenRealm extends TokenReader {
  readonly answerToken: TokenEndpoint;
  /**
   * What to tell a client of an upstream that issues tokens, where `error` is what the upstream said: its 401 gets Larder's own challenge.
   * A token that came along is of no use any more then. With `outageGrace`, who comes without one while the upstream cannot be asked is
   * challenged too: only the login tells whether they were let in before. Any other error is returned as it is. Throws `TLS_REQUIRED`.
   */
  challenged(error: unknown, exchange: RegistryExchange, target: Destination): unknown;
}

export function createTokenRealm(deps: TokenRealmDeps): TokenRealm {
  const { clock, metrics, externalUrl } = deps;
  const seal = createTokenSeal(createKeyRing(deps), clock);
  const challenge = createOwnChallenge(externalUrl);

  return {
    ...createTokenReader(seal, challenge),
    answerToken: createTokenEndpoint({ seal, grantsFor: createCallerGrants(deps), metrics, externalUrl }),
    challenged(error, exchange, { upstream, visibleName }) {
      const isStranger = exchange.authorization === undefined;
      const own = (): string =>
        challenge(exchange, upstream, visibleName, isStranger ? undefined : 'invalid_token');
      if (error instanceof UpstreamRefusal && error.status === 401)
        return new UpstreamRefusal(error.code, error.message, error.upstreamStatus, [own()]);
      const { outageGraceMs } = upstream.config.authentication;
      return isStranger && outageGraceMs > 0 && isLarderError(error) && excusesStaleness(error)
        ? new LoginRequired(`${error.message}; a login may be good for what is cached`, own())
        : error;
    },
  };
}
