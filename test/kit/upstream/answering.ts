/** Puts the upstream's parts in their order: token server, signed URLs, access, content, redirect. */
import type { IncomingMessage } from 'node:http';
import { blobFrom } from '../blob.ts';
import type { Answer } from './answer.ts';
import { refusal, type AuthOptions } from './auth.ts';
import type { Catalogue } from './catalogue.ts';
import { answerSigned, signedUrl, type RedirectOptions } from './redirects.ts';
import { answerRegistry, type RegistryOptions } from './registry.ts';
import type { Identity } from './request-log.ts';
import type { Route } from './route.ts';
import { answerToken, type TokenOptions, type TokenServerDeps } from './token-server.ts';

export interface AnsweringOptions {
  readonly registry: RegistryOptions;
  readonly auth: AuthOptions;
  readonly token: TokenOptions;
  readonly redirect: RedirectOptions | undefined;
  /** URL of the registry. */
  readonly origin: string;
  /** URL of the CDN; undefined: redirects stay on the origin. */
  readonly cdn: string | undefined;
}

export type Answerer = (request: IncomingMessage, route: Route, identity: Identity) => Promise<Answer>;

/** The upstream's answer without any fault. */
export function createAnswerer(deps: TokenServerDeps, options: AnsweringOptions): Answerer {
  const { catalogue, now } = deps;
  const { auth, redirect, origin } = options;

  function redirected(method: string | undefined, route: Route, found: Answer): Answer | undefined {
    const kinds: readonly string[] = redirect?.kinds ?? ['blob'];
    if (!redirect || found.status !== 200 || found.digest === undefined) return undefined;
    if (!kinds.includes(route.kind) || (method === 'HEAD' && redirect.headDirectly)) return undefined;
    const expiresAt = now() + (redirect.lifetime ?? 300) * 1000;
    const location = signedUrl(options.cdn, route.repository ?? '', found.digest, expiresAt);
    return { status: redirect.status ?? 307, headers: { location }, body: blobFrom('') };
  }

  return async (request, route, identity) => {
    if (route.kind === 'token') {
      return answerToken(request, route, deps, options.token, auth.quirks.fixedScope);
    }
    if (route.kind === 'cdn') {
      const content = signedContent(catalogue, route);
      return answerSigned(request.method, route, identity, content, now(), redirect ?? {});
    }
    const found =
      refusal(route, identity, deps, auth) ??
      answerRegistry(request, route, catalogue, options.registry, origin);
    const sent = redirected(request.method, route, found) ?? found;
    return { ...sent, headers: { 'docker-distribution-api-version': 'registry/2.0', ...sent.headers } };
  };
}

/** The target of a signed URL: a blob, or a manifest where manifests are redirected. */
function signedContent(catalogue: Catalogue, route: Route) {
  const repository = catalogue.repository(route.repository ?? '');
  const digest = route.reference ?? '';
  const image = repository?.manifests.get(digest);
  if (image) return { body: blobFrom(image.bytes), mediaType: image.mediaType };
  const body = repository?.blobs.get(digest);
  return body && { body, mediaType: 'application/octet-stream' };
}
