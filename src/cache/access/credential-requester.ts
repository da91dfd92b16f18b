import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { UpstreamRequestKind, UpstreamResponse } from '../../upstream/types.ts';
import { repositoryIdOf, type Destination } from './target.ts';
import type { CredentialGrants } from './credential-grants.ts';
import type { PresentedCredential } from './presented-credential.ts';
import { verdictOf } from './proof.ts';
import type { PublicFlags } from './public-flags.ts';
import { tokenExpiry } from './token-expiry.ts';
import type { Requester } from './requester.ts';

/** Makes the requester of a caller with a credential of its own, which is sent to this upstream and nowhere else. */
export function createCredentialRequester(
  destination: Destination,
  { authorization, credentialId }: PresentedCredential,
  { grants, flags, clock }: { grants: CredentialGrants; flags: PublicFlags; clock: Clock },
): Requester {
  const { upstream, repository } = destination;
  const { authentication, freshness } = upstream.config;
  const repositoryId = repositoryIdOf(destination);

  function record(response: UpstreamResponse, kind: UpstreamRequestKind): void {
    const verdict = verdictOf(response, kind);
    if (verdict === 'open') return;
    requester.decision = verdict === 'served' ? 'proven' : 'refused';
    if (verdict === 'served') grants.prove(credentialId, repositoryId, expiry());
    else grants.refuse(credentialId, repositoryId);
  }

  function expiry(): number | undefined {
    return authorization === undefined ? undefined : tokenExpiry(authorization);
  }

  const requester: Requester = {
    key: credentialId,
    isApart: true,
    decision: undefined,
    hasLiveProof() {
      const isLive = grants.isProven(credentialId, repositoryId, authentication.proofLifetimeMs);
      if (isLive) requester.decision = 'granted';
      return isLive;
    },
    isStillValid(at) {
      const endsAt = expiry();
      return (
        !grants.refusedSince(credentialId, repositoryId, at) && (endsAt === undefined || clock.now() < endsAt)
      );
    },
    mayUseDuringOutage() {
      // Known public content is theirs too: they could ask without their credential.
      return (
        grants.isProven(credentialId, repositoryId, authentication.proofLifetimeMs) ||
        (grants.provenFor(credentialId, repositoryId) ?? Infinity) <= authentication.outageGraceMs ||
        (flags.provenFor(repositoryId) ?? Infinity) <= freshness.staleIfErrorMs
      );
    },
    async request(request) {
      if (authorization === undefined) {
        throw new LarderError(
          'UPSTREAM_UNREACHABLE',
          `the token server of ${upstream.name} could not be asked a moment ago: only what is cached can be given`,
        );
      }
      const knownGood = grants.isKnown(credentialId, upstream.name);
      const credential = { kind: 'caller', authorization, credentialId, knownGood } as const;
      const response = await upstream.client.request({ ...request, repository, credential });
      record(response, request.kind);
      return isBasicRefused(response, authorization) ? { ...response, status: 403 } : response;
    },
  };
  return requester;
}

/**
 * True if the upstream refused a Basic login and offers no Bearer challenge. The caller then gets 403: after a 401
 * containerd 1.6 to 2.3 repeats the login six times (core/remotes/docker/authorizer.go).
 */
function isBasicRefused({ status, challenges }: UpstreamResponse, authorization: string): boolean {
  return (
    status === 401 &&
    /^basic /i.test(authorization) &&
    !challenges.some((challenge) => /^bearer /i.test(challenge))
  );
}
