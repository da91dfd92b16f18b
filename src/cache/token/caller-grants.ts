import { isLarderError, type LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CacheMetrics, TokenOutcome } from '../metrics.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Credential } from '../../upstream/credentials/credential.ts';
import type { AccessForTokens } from '../access/access.ts';
import { excusesStaleness, UpstreamRefusal } from '../../upstream/refusal.ts';
import type { CachedUpstream } from '../access/target.ts';
import { DEFAULT_LIFE_MS, GRACE_LIFE_MS, MAX_LIFE_MS, type SealedGrant } from './token-contents.ts';
import type { ClientLogin } from './token-form.ts';

/** Repositories that a caller wants to read at one upstream. None: only its login is checked. */
export interface Wanted {
  readonly upstream: CachedUpstream;
  readonly repositories: readonly RepositoryName[];
}

export interface CallerGrants {
  readonly grants: readonly SealedGrant[];
  readonly lifeMs: number;
}

export interface CallerGrantsDeps {
  readonly access: AccessForTokens;
  readonly metrics: CacheMetrics;
  readonly logger: Logger;
}

/**
 * Logs a caller in at each upstream it wants to read from, and returns their grants. Fewer grants than asked for are no
 * failure, as with any token server. Without any grant it throws: a refusal if there is one, else the first failure.
 *
 * A refusal ends all proofs of the caller at that upstream. While an upstream cannot check a login, a caller with a proof
 * within `outageGrace` gets a grant for a minute.
 */
export function createCallerGrants({ access, metrics, logger }: CallerGrantsDeps) {
  return async function grantsFor(
    login: ClientLogin,
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<CallerGrants> {
    const credential: Credential = { ...login, credentialId: access.credentialIdOf(...partsOf(login)) };
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
  ): Promise<{ grant: SealedGrant; lifeMs: number }> {
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
      const proven = isLarderError(error) && excusesStaleness(error) ? provenOf(upstream, grant) : [];
      count(upstream, proven.length === 0 ? 'failed' : 'grace');
      if (proven.length === 0) throw error;
      logger.warn('upstream cannot check a login; earlier proofs count', {
        event: 'token-grace',
        upstream: upstream.name,
        repositories: proven,
        cause: (error as LarderError).code,
      });
      return { grant: { ...grant, repositories: proven, grace: true }, lifeMs: GRACE_LIFE_MS };
    }
  }

  /** Repositories in which an earlier proof counts during the outage. */
  function provenOf(upstream: CachedUpstream, { repositories, account }: SealedGrant): RepositoryName[] {
    return repositories.filter((repository) => access.mayUseDuringOutage(upstream, repository, account));
  }

  function count({ name }: CachedUpstream, outcome: TokenOutcome): void {
    metrics.tokens.inc({ upstream_host: name, outcome });
  }
}

function partsOf(login: ClientLogin): string[] {
  return login.kind === 'password' ? [login.kind, login.username, login.password] : [login.kind, login.token];
}

function refused({ name }: CachedUpstream, status: 401 | 403): UpstreamRefusal {
  const code = status === 401 ? 'UPSTREAM_UNAUTHORIZED' : 'UPSTREAM_DENIED';
  return new UpstreamRefusal(code, `${name} refuses this login`, status);
}
