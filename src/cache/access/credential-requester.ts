import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { UpstreamRequestKind, UpstreamResponse } from '../../upstream/types.ts';
import { originOf, type Destination } from './target.ts';
import type { Grants } from './grants.ts';
import type { Presented } from './presented.ts';
import { verdictOf } from './proof.ts';
import type { PublicFlags } from './public-flags.ts';
import { tokenExpiry } from './token-expiry.ts';
import type { Requester } from './requester.ts';

/** Somebody with a credential of their own, which is sent to this upstream and nowhere else. */
export function createCredentialVisitor(
  destination: Destination,
  { authorization, account }: Presented,
  { grants, flags, clock }: { grants: Grants; flags: PublicFlags; clock: Clock },
): Requester {
  const { upstream, repository } = destination;
  const { authentication, freshness } = upstream.config;
  const origin = originOf(destination);

  function note(response: UpstreamResponse, kind: UpstreamRequestKind): void {
    const verdict = verdictOf(response, kind);
    if (verdict === 'open') return;
    requester.decision = verdict === 'served' ? 'proven' : 'refused';
    if (verdict === 'served') grants.prove(account, origin, expiry());
    else grants.refuse(account, origin);
  }

  function expiry(): number | undefined {
    return authorization === undefined ? undefined : tokenExpiry(authorization);
  }

  const requester: Requester = {
    key: account,
    isApart: true,
    decision: undefined,
    proven() {
      const isLive = grants.isProven(account, origin, authentication.proofLifetimeMs);
      if (isLive) requester.decision = 'granted';
      return isLive;
    },
    holds(at) {
      const endsAt = expiry();
      return !grants.refusedSince(account, origin, at) && (endsAt === undefined || clock.now() < endsAt);
    },
    mayBridge() {
      // What is known to be public is theirs too: they could have asked without their credential.
      return (
        grants.isProven(account, origin, authentication.proofLifetimeMs) ||
        (grants.provenFor(account, origin) ?? Infinity) <= authentication.outageGraceMs ||
        (flags.provenFor(origin) ?? Infinity) <= freshness.staleIfErrorMs
      );
    },
    async request(request) {
      if (authorization === undefined) {
        throw new LarderError(
          'UPSTREAM_UNREACHABLE',
          `the token server of ${upstream.name} could not be asked a moment ago: only what is cached can be given`,
        );
      }
      const knownGood = grants.isKnown(account, upstream.name);
      const credential = { kind: 'caller', authorization, credentialId: account, knownGood } as const;
      const response = await upstream.client.request({ ...request, repository, credential });
      note(response, request.kind);
      return isBasicRefused(response, authorization) ? { ...response, status: 403 } : response;
    },
  };
  return requester;
}

/**
 * A Basic login that was refused and can be followed by no other: 403 ends what 401 would make a loop of six (containerd 1.6 to
 * 2.3, core/remotes/docker/authorizer.go).
 */
function isBasicRefused({ status, challenges }: UpstreamResponse, authorization: string): boolean {
  return (
    status === 401 &&
    /^basic /i.test(authorization) &&
    !challenges.some((challenge) => /^bearer /i.test(challenge))
  );
}
