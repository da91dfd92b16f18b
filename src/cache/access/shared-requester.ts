import type { Destination } from './target.ts';
import type { Requester } from './requester.ts';

/**
 * Makes the requester of any caller in mode `Shared`: the administrator lets everyone who reaches the cache read what the
 * configured credential reads.
 */
export function createSharedRequester({ upstream, repository }: Destination): Requester {
  return {
    key: 'shared',
    isApart: false,
    decision: 'shared',
    hasLiveProof: () => true,
    isStillValid: () => true,
    mayUseDuringOutage: () => true,
    request: (request) => upstream.client.request({ ...request, repository, credential: { kind: 'own' } }),
  };
}
