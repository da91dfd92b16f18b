import type { Destination } from './target.ts';
import type { Requester } from './requester.ts';

/** Anybody, in mode `Shared`: the administrator lets everyone who reaches the cache read what the configured credential reads. */
export function createSharedVisitor({ upstream, repository }: Destination): Requester {
  return {
    key: 'shared',
    isApart: false,
    decision: 'shared',
    proven: () => true,
    holds: () => true,
    mayBridge: () => true,
    request: (request) => upstream.client.request({ ...request, repository, credential: { kind: 'own' } }),
  };
}
