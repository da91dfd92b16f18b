import { isLarderError, type LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CacheMetrics } from '../metrics.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Credential } from '../../upstream/credentials/credential.ts';
import type { AccessForTokens } from '../access/access.ts';
import { excusesStaleness, UpstreamRefusal } from '../../upstream/refusal.ts';
import type { CachedUpstream } from '../access/target.ts';
import type { TokenGrant } from './token-contents.ts';
import type { Login } from './token-form.ts';
import { DEFAULT_LIFE_MS, GRACE_LIFE_MS, MAX_LIFE_MS } from './token-life.ts';
import type { TokenOutcome } from './token-outcome.ts';

/** What a caller wants to read at one upstream; nothing: only whether its login is good. */
export interface Wanted {
  readonly upstream: CachedUpstream;
  readonly repositories: readonly RepositoryName[];
}

export interface CallerGrants {
  readonly grants: readonly TokenGrant[];
  readonly lifeMs: number;
}

export interface CallerGrantsDeps {
  readonly access: AccessForTokens;
  readonly metrics: CacheMetrics;
  readonly logger: Logger;
}

/**
 * Logs a caller in at each upstream it wants something of, and gives what they granted. As with any token server less than was asked
 * for is no failure; nothing at all is: then a refusal is thrown, else the first trouble.
 *
 * A refusal ends all proofs of the caller at that upstream. While nobody can judge a login, a caller with a proof that may bridge an
 * outage gets a grant on that, for a minute.
 */
export function createCallerGrants({ access, metrics, logger }: CallerGrantsDeps) {
  return async function grantsFor(
    login: Login,
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<CallerGrants> {
    const account = access.accountOf(...partsOf(login));
    const credential: Credential = { ...login, credentialId: account };
    const outcomes = await Promise.allSettled(wanted.map((one) => grantAt(one, credential, signal)));
    const granted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    if (granted.length === 0 && failures.length > 0)
      throw failures.find((error) => error instanceof UpstreamRefusal) ?? failures[0];
    return {
      grants: granted.map(({ grant }) => grant),
      lifeMs: Math.min(MAX_LIFE_MS, ...granted.map(({ lifeMs }) => lifeMs)),
    };
  };

  async function grantAt(
    { upstream, repositories }: Wanted,
    credential: Credential,
    signal: AbortSignal,
  ): Promise<{ grant: TokenGrant; lifeMs: number }> {
    const grant = {
      upstream: upstream.name,
      repositories: [...repositories],
      account: credential.credentialId,
    };
    try {
      const answer = await upstream.client.logIn({ credential, repositories, signal });
      if (answer.kind === 'refused') throw refused(upstream, answer.status);
      count(upstream, 'granted');
      return answer.kind === 'open'
        ? { grant, lifeMs: DEFAULT_LIFE_MS }
        : {
            grant: { ...grant, authorization: answer.authorization },
            lifeMs: answer.lifeMs ?? DEFAULT_LIFE_MS,
          };
    } catch (error) {
      if (error instanceof UpstreamRefusal) {
        access.refuse(upstream, credential.credentialId);
        count(upstream, 'refused');
        throw error;
      }
      const bridged = isLarderError(error) && excusesStaleness(error) ? bridgedOf(upstream, grant) : [];
      count(upstream, bridged.length === 0 ? 'failed' : 'grace');
      if (bridged.length === 0) throw error;
      logger.warn('a login cannot be checked, and is good for what was proven before', {
        event: 'token-grace',
        upstream: upstream.name,
        repositories: bridged,
        cause: (error as LarderError).code,
      });
      return { grant: { ...grant, repositories: bridged, grace: true }, lifeMs: GRACE_LIFE_MS };
    }
  }

  function bridgedOf(upstream: CachedUpstream, { repositories, account }: TokenGrant): RepositoryName[] {
    return repositories.filter((repository) => access.mayBridge(upstream, repository, account));
  }

  function count({ name }: CachedUpstream, outcome: TokenOutcome): void {
    metrics.tokens.inc({ upstream_host: name, outcome });
  }
}

function partsOf(login: Login): string[] {
  return login.kind === 'password' ? [login.kind, login.username, login.password] : [login.kind, login.token];
}

function refused({ name }: CachedUpstream, status: 401 | 403): UpstreamRefusal {
  const code = status === 401 ? 'UPSTREAM_UNAUTHORIZED' : 'UPSTREAM_DENIED';
  return new UpstreamRefusal(code, `${name} refuses this login`, status);
}
