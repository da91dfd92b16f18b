import { createRecentMap } from '../kit/recent-map.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { AuthorizedAnswer, Authorizer } from './auth/authorizer.ts';
import { createCallerAuthorization } from './auth/caller-authorization.ts';
import type { ChallengeMemory } from './auth/registry-challenges.ts';
import type { Credential } from './credentials/credential.ts';
import type { AddressGuard } from './http/address-guard.ts';
import { discard, type UpstreamExchange } from './http/upstream-exchange.ts';
import { isRegistryPath, redirectTarget } from './http/redirect.ts';
import type { TransportRequest, UpstreamTransport } from './http/transport.ts';
import type { CallerCredential } from './types.ts';

/** The requester of one request, its configured credential looked up. */
export type UpstreamRequester =
  /** Larder itself: with the configured credential, or anonymously. */
  | { readonly kind: 'own'; readonly credential: Credential | undefined }
  /** A caller with its own `Authorization`. An anonymous caller has none, and no token is fetched for it. */
  | ({ readonly kind: 'caller'; readonly authorization: string | undefined } & Readonly<
      Pick<CallerCredential, 'credentialId' | 'knownGood'>
    >);

export interface RoutedRequest extends TransportRequest {
  readonly method: 'GET' | 'HEAD';
  readonly repository: RepositoryName | undefined;
  readonly requester: UpstreamRequester;
}

export interface RoutedAnswer extends AuthorizedAnswer {
  /** Origin of the answer: the upstream itself, or the other registry or storage that it redirected to. */
  readonly from: 'upstream' | 'other registry' | 'storage';
}

/** One layer of the way to the registry. */
export type UpstreamRoute = (request: RoutedRequest) => Promise<RoutedAnswer>;

export interface AuthorizationDeps {
  readonly remote: URL;
  readonly guard: AddressGuard;
  /** The authorizer of the registry at `remote`. */
  readonly registry: Authorizer;
  /** The challenges of that registry. */
  readonly memory: ChallengeMemory;
  /** Makes the authorizer of another registry. */
  readonly authorizerOf: (origin: URL) => Authorizer;
}

/** Registries that one upstream redirects to: registry.k8s.io has a regional one for each of some 20 regions. */
const OTHER_REGISTRIES = 32;

/**
 * Decides for each host which `Authorization` it gets. The requester's own goes to the upstream's own origin below `/v2/` and nowhere
 * else: storage refuses it (S3, Azure) or must not have it. Another registry that challenges Larder gets an anonymous token of its own.
 * Throws as {@link Authorizer.send} and `next` do.
 */
export function withAuthorization(next: UpstreamTransport, deps: AuthorizationDeps): UpstreamRoute {
  const { remote, guard, registry, memory, authorizerOf } = deps;
  const callerAuthorization = createCallerAuthorization(remote, memory, guard);
  const others = createRecentMap<string, Authorizer>(OTHER_REGISTRIES);

  function other({ origin }: URL): Authorizer {
    const authorizer = others.get(origin) ?? authorizerOf(new URL(origin));
    others.set(origin, authorizer);
    return authorizer;
  }

  return async (request) => {
    const { url, requester, repository, signal } = request;
    const transmit = (authorization: string | undefined): Promise<UpstreamExchange> =>
      next({
        ...request,
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
    const passed = await callerAuthorization({ ...requester, url, repository, transmit });
    return { from: 'upstream', ...passed, credentialSent: requester.authorization !== undefined };
  };
}

/** Follows redirects. The challenges of the answer are those of the upstream. Throws as {@link redirectTarget} and `next` do. */
export function withRedirects(next: UpstreamRoute, guard: AddressGuard): UpstreamRoute {
  function redirectOf(answer: UpstreamExchange, url: URL, count: number): URL | undefined {
    try {
      return redirectTarget(answer, url, count, guard);
    } catch (error) {
      discard(answer);
      throw error;
    }
  }

  return async (request) => {
    let challenges: readonly string[] = [];
    for (let url = request.url, count = 1; ; count += 1) {
      const reached = await next({ ...request, url });
      if (reached.from === 'upstream') challenges = reached.challenges;
      const target = redirectOf(reached.answer, url, count);
      if (target === undefined) return { ...reached, challenges };
      discard(reached.answer);
      url = target;
    }
  };
}
