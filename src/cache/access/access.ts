import type { Clock } from '../../kit/clock.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { PublicRepositories } from '../../store/types.ts';
import type { UpstreamCredential } from '../../upstream/types.ts';
import type { CachedUpstream, Destination } from './target.ts';
import { createAnonymousVisitor } from './anonymous-requester.ts';
import { createCredentialVisitor } from './credential-requester.ts';
import { createGrants } from './grants.ts';
import type { Presented } from './presented.ts';
import { createPublicFlags } from './public-flags.ts';
import { createSharedVisitor } from './shared-requester.ts';
import type { Requester } from './requester.ts';

/** Who may have what: the proofs of all callers, and the requesters that ask and answer by them (decision 0005). */
export interface Access {
  /** HMAC of these parts with the process's key: a name for a credential. */
  accountOf(...parts: string[]): string;
  /** What an `Authorization` header presents to an upstream as it is. */
  presented(authorization: string): Presented;
  /** On whose behalf a request to `destination` is made; undefined: nobody in particular. */
  visit(destination: Destination, presented: Presented | undefined): Requester;
  /** The credential of a request outside of any repository, with this header. */
  credentialOf(upstream: CachedUpstream, authorization: string | undefined): UpstreamCredential;
  /** True when the account was proven in this repository within the cache's `outageGrace`, and not refused since. */
  mayBridge(upstream: CachedUpstream, repository: RepositoryName, account: string): boolean;
  /** The upstream's token server refused the account: every proof of it ends. */
  refuse(upstream: CachedUpstream, account: string): void;
}

/** What the token endpoint asks of the proofs. */
export type AccessForTokens = Pick<Access, 'accountOf' | 'mayBridge' | 'refuse'>;

export function createAccess({ store, clock }: { store: PublicRepositories; clock: Clock }): Access {
  const grants = createGrants(clock);
  const flags = createPublicFlags(store, clock);

  return {
    accountOf: (...parts) => grants.accountOf(...parts),
    presented: (authorization) => ({ authorization, account: grants.accountOf(authorization) }),
    visit(destination, presented) {
      if (destination.upstream.config.authentication.mode === 'Shared')
        return createSharedVisitor(destination);
      return presented === undefined
        ? createAnonymousVisitor(destination, flags)
        : createCredentialVisitor(destination, presented, { grants, flags, clock });
    },
    credentialOf({ name }, authorization) {
      if (authorization === undefined) return { kind: 'none' };
      const account = grants.accountOf(authorization);
      return { kind: 'caller', authorization, account, knownGood: grants.isKnown(account, name) };
    },
    mayBridge({ name, config }, repository, account) {
      const age = grants.provenFor(account, { upstream: name, repository });
      return age !== undefined && age <= config.authentication.outageGraceMs;
    },
    refuse: ({ name }, account) => grants.refuseAll(account, name),
  };
}
