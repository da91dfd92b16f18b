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
  /** Value of `--external-url`. */
  readonly externalUrl: URL | undefined;
}

/** The token endpoint of the upstreams with `authentication.realm: Cache`. */
export interface TokenRealm extends TokenReader {
  readonly answerToken: TokenEndpoint;
  /**
   * Maps the upstream's `error` to the error for a client that logs in at Larder. A 401 gets Larder's own challenge, which
   * declares a presented token invalid. With `outageGrace` an anonymous caller gets the challenge too while the upstream
   * cannot be asked: only its login shows whether it was proven before. Any other error is returned unchanged. Throws
   * `TLS_REQUIRED`.
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
      const isAnonymous = exchange.authorization === undefined;
      const own = (): string =>
        challenge(exchange, upstream, visibleName, isAnonymous ? undefined : 'invalid_token');
      if (error instanceof UpstreamRefusal && error.status === 401)
        return new UpstreamRefusal(error.code, error.message, error.upstreamStatus, [own()]);
      const { outageGraceMs } = upstream.config.authentication;
      return isAnonymous && outageGraceMs > 0 && isLarderError(error) && excusesStaleness(error)
        ? new LoginRequired(`${error.message}; a login may give access to cached content`, own())
        : error;
    },
  };
}
