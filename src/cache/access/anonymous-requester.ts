import { Readable } from 'node:stream';
import type { UpstreamResponse } from '../../upstream/types.ts';
import { repositoryIdOf, type Destination } from './target.ts';
import { verdictOf } from './proof.ts';
import type { PublicFlags } from './public-flags.ts';
import type { Requester } from './requester.ts';

/**
 * Makes the requester of a caller without a credential. Larder asks with an anonymous token of its own where the registry
 * wants one, and what it gets is for every caller.
 */
export function createAnonymousRequester(destination: Destination, flags: PublicFlags): Requester {
  const { upstream, repository } = destination;
  const repositoryId = repositoryIdOf(destination);

  const requester: Requester = {
    key: 'public',
    isApart: false,
    decision: undefined,
    hasLiveProof() {
      const { proofLifetimeMs } = upstream.config.authentication;
      const isLive = (flags.provenFor(repositoryId) ?? Infinity) < proofLifetimeMs;
      if (isLive) requester.decision = 'public';
      return isLive;
    },
    isStillValid: (at) => !flags.refusedSince(repositoryId, at),
    mayUseDuringOutage: () =>
      (flags.provenFor(repositoryId) ?? Infinity) <= upstream.config.freshness.staleIfErrorMs,
    async request(request) {
      const challenges = flags.challenges(repositoryId);
      if (challenges !== undefined) {
        requester.decision = 'challenged';
        return challenged(challenges);
      }
      const response = await upstream.client.request({ ...request, repository, credential: { kind: 'own' } });
      const verdict = verdictOf(response, request.kind);
      if (verdict === 'served') {
        flags.prove(repositoryId);
        requester.decision = 'proven';
      }
      if (verdict === 'refused') {
        flags.refuse(repositoryId, response.status === 401 ? response.challenges : undefined);
        requester.decision = 'refused';
      }
      return response;
    },
  };
  return requester;
}

function challenged(challenges: readonly string[]): UpstreamResponse {
  return {
    status: 401,
    headers: {},
    challenges,
    contentLength: 0,
    body: Readable.from([]),
    read: () => Promise.resolve(Buffer.alloc(0)),
  };
}
