import type { Clock } from '../../kit/clock.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { PublicRepositories } from '../../store/types.ts';
import type { UpstreamCredential } from '../../upstream/types.ts';
import type { CachedUpstream, Destination } from './target.ts';
import { createAnonymousRequester } from './anonymous-requester.ts';
import { createCredentialRequester } from './credential-requester.ts';
import { createCredentialGrants } from './credential-grants.ts';
import type { PresentedCredential } from './presented-credential.ts';
import { createPublicFlags } from './public-flags.ts';
import { createSharedRequester } from './shared-requester.ts';
import type { Requester } from './requester.ts';

/** Keeps the proofs of all callers and makes the requesters that ask and answer by them (decision 0005). */
export interface Access {
  /** HMAC of these parts with the process's key; see {@link PresentedCredential.credentialId}. */
  credentialIdOf(...parts: string[]): string;
  /** The credential in an `Authorization` header that goes to an upstream unchanged. */
  presented(authorization: string): PresentedCredential;
  /** Makes the requester for one request to `destination`; without a credential an anonymous one. */
  requesterFor(destination: Destination, presented: PresentedCredential | undefined): Requester;
  /** The credential of a request outside any repository that has this header. */
  credentialOf(upstream: CachedUpstream, authorization: string | undefined): UpstreamCredential;
  /** True if the credential was proven in this repository within the cache's `outageGrace`, and not refused since. */
  mayUseDuringOutage(upstream: CachedUpstream, repository: RepositoryName, credentialId: string): boolean;
  /** Ends every proof of a credential that the upstream's token server refused. */
  refuse(upstream: CachedUpstream, credentialId: string): void;
}

/** The part of {@link Access} that the token endpoint needs. */
export type AccessForTokens = Pick<Access, 'credentialIdOf' | 'mayUseDuringOutage' | 'refuse'>;

export function createAccess({ store, clock }: { store: PublicRepositories; clock: Clock }): Access {
  const grants = createCredentialGrants(clock);
  const flags = createPublicFlags(store, clock);

  return {
    credentialIdOf: (...parts) => grants.credentialIdOf(...parts),
    presented: (authorization) => ({ authorization, credentialId: grants.credentialIdOf(authorization) }),
    requesterFor(destination, presented) {
      if (destination.upstream.config.authentication.mode === 'Shared')
        return createSharedRequester(destination);
      return presented === undefined
        ? createAnonymousRequester(destination, flags)
        : createCredentialRequester(destination, presented, { grants, flags, clock });
    },
    credentialOf({ name }, authorization) {
      if (authorization === undefined) return { kind: 'none' };
      const credentialId = grants.credentialIdOf(authorization);
      const knownGood = grants.isKnown(credentialId, name);
      return { kind: 'caller', authorization, credentialId, knownGood };
    },
    mayUseDuringOutage({ name, config }, repository, credentialId) {
      const age = grants.provenFor(credentialId, { upstream: name, repository });
      return age !== undefined && age <= config.authentication.outageGraceMs;
    },
    refuse: ({ name }, credentialId) => grants.refuseAll(credentialId, name),
  };
}
