import { LRUCache } from 'lru-cache';
import type { RepositoryName } from '../oci/reference.ts';
import type { AddressGuard } from './http/address-guard.ts';
import type { AuthorizedAnswer, Authorizer } from './auth/authorizer.ts';
import type { Credential } from './credentials/credential.ts';
import { discard, type UpstreamExchange } from './http/exchange.ts';
import { createPassThrough } from './auth/pass-through.ts';
import { isRegistryPath, redirectTarget } from './http/redirect.ts';
import type { ChallengeMemory } from './auth/registry-challenges.ts';
import type { TransportRequest } from './http/transport.ts';

/** Who a request speaks for. */
export type UpstreamRequester =
  /** Larder itself: with the configured credential, or anonymously. */
  | { readonly kind: 'own'; readonly credential: Credential | undefined }
  /** A client, with its own `Authorization`; undefined: as a stranger, without even a token. */
  | {
      readonly kind: 'caller';
      readonly authorization: string | undefined;
      readonly credentialId: string;
      /** The header was accepted elsewhere a moment ago. */
      readonly knownGood: boolean;
    };

export interface RoutedRequest extends TransportRequest {
  readonly method: 'GET' | 'HEAD';
  readonly repository: RepositoryName | undefined;
  readonly requester: UpstreamRequester;
}

export interface RoutedAnswer extends AuthorizedAnswer {
  /** Where the answer came from: the upstream itself, or where it sent us: another registry, or storage. */
  readonly from: 'upstream' | 'other registry' | 'storage';
}

export interface RouteDeps {
  readonly remote: URL;
  readonly guard: AddressGuard;
  readonly send: (request: RoutedRequest) => Promise<UpstreamExchange>;
  /** The authorizer of the registry at `remote`. */
  readonly registry: Authorizer;
  /** What that registry asks of strangers. */
  readonly memory: ChallengeMemory;
  /** Makes the authorizer of another registry. */
  readonly authorizerOf: (origin: URL) => Authorizer;
}

/** Registries that one upstream sends us to: registry.k8s.io has a regional one for each of some 20 regions. */
const OTHER_REGISTRIES = 32;

/**
 * Sends a request to the upstream and follows its redirects. `Authorization` goes to the upstream's own origin below `/v2/`
 * and nowhere else: storage refuses it (S3, Azure) or must not have it. Another registry that challenges us gets an
 * anonymous token of its own. The returned function throws as {@link redirectTarget}, {@link Authorizer.send} and `send` do.
 */
export function createRoute(deps: RouteDeps): (request: RoutedRequest) => Promise<RoutedAnswer> {
  const { remote, guard, registry, memory, authorizerOf } = deps;
  const passThrough = createPassThrough(remote, memory, guard);
  const others = new LRUCache<string, Authorizer>({ max: OTHER_REGISTRIES });

  function other({ origin }: URL): Authorizer {
    const authorizer = others.get(origin) ?? authorizerOf(new URL(origin));
    others.set(origin, authorizer);
    return authorizer;
  }

  async function hop(url: URL, request: RoutedRequest): Promise<RoutedAnswer> {
    const { requester, repository, signal } = request;
    const transmit = (authorization: string | undefined): Promise<UpstreamExchange> =>
      deps.send({
        ...request,
        url,
        headers: authorization === undefined ? request.headers : { ...request.headers, authorization },
      });
    if (!isRegistryPath(url)) {
      return { from: 'storage', answer: await transmit(undefined), challenges: [], credentialSent: false };
    }
    if (url.origin !== remote.origin) {
      const anonymous = { repository, credential: undefined, signal, transmit };
      return { from: 'other registry', ...(await other(url).send(anonymous)), challenges: [] };
    }
    if (requester.kind === 'own') {
      return { from: 'upstream', ...(await registry.send({ ...requester, repository, signal, transmit })) };
    }
    const passed = await passThrough({ ...requester, url, repository, transmit });
    return { from: 'upstream', ...passed, credentialSent: requester.authorization !== undefined };
  }

  return async (request) => {
    let challenges: readonly string[] = [];
    for (let url = request.url, count = 1; ; count += 1) {
      const reached = await hop(url, request);
      if (reached.from === 'upstream') challenges = reached.challenges;
      const target = redirectOf(reached.answer, url, count);
      if (target === undefined) return { ...reached, challenges };
      discard(reached.answer);
      url = target;
    }
  };

  function redirectOf(answer: UpstreamExchange, url: URL, count: number): URL | undefined {
    try {
      return redirectTarget(answer, url, count, guard);
    } catch (error) {
      discard(answer);
      throw error;
    }
  }
}
