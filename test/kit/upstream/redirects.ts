/** Redirects to content behind a signed, expiring URL, as registries send them to their object store. */
import { createHmac } from 'node:crypto';
import type { TestBlob } from '../blob.ts';
import { textAnswer, type Answer } from './answer.ts';
import type { Identity } from './request-log.ts';
import { SIGNED_PATH, type Route } from './route.ts';

export interface RedirectOptions {
  /** The redirected content; blobs by default. */
  readonly kinds?: readonly ('blob' | 'manifest')[];
  /** 307 by default. */
  readonly status?: 301 | 302 | 303 | 307 | 308;
  /** `cdn`: another port. `same-origin`: a path outside `/v2/`, as a relative URL, as Artifact Registry. */
  readonly to?: 'cdn' | 'same-origin';
  /** Loopback address of the CDN; the registry's own by default. `127.0.0.2` makes it another host. */
  readonly host?: string;
  /** Seconds a signature is valid; 300 by default. */
  readonly lifetime?: number;
  /** HEAD on a signed URL is 403, as behind GHCR, whose signatures are for GET. */
  readonly refuseHead?: boolean;
  /** HEAD of the registry is answered by itself, as Quay, instead of by a redirect. */
  readonly headDirectly?: boolean;
  /** Ignores an `Authorization` header. By default the answer is 400, as at S3 and Azure. */
  readonly acceptAuthorization?: boolean;
}

/** The URL of the content, signed; relative when there is no `origin`. */
export function signedUrl(
  origin: string | undefined,
  repository: string,
  digest: string,
  expiresAt: number,
): string {
  const path = `${SIGNED_PATH}${repository}/${digest}`;
  return `${origin ?? ''}${path}?X-Expires=${expiresAt}&X-Sig=${sign(path, `${expiresAt}`)}`;
}

/** Answers a request for a signed URL. */
export function answerSigned(
  method: string | undefined,
  route: Route,
  identity: Identity,
  content: { body: TestBlob; mediaType: string } | undefined,
  now: number,
  options: RedirectOptions,
): Answer {
  const expires = route.query.get('X-Expires') ?? '';
  if (identity.kind !== 'none' && !options.acceptAuthorization) {
    return textAnswer(400, 'Only one auth mechanism allowed');
  }
  if (route.query.get('X-Sig') !== sign(route.path, expires)) return textAnswer(403, 'SignatureDoesNotMatch');
  if (Number(expires) <= now) return textAnswer(403, 'Request has expired');
  if (method === 'HEAD' && options.refuseHead) return textAnswer(403, 'SignatureDoesNotMatch');
  if (!content) return textAnswer(404, 'NoSuchKey');
  return { status: 200, headers: { 'content-type': content.mediaType }, body: content.body, ranged: true };
}

function sign(path: string, expires: string): string {
  return createHmac('sha256', 'signing key of the test kit')
    .update(`${path} ${expires}`)
    .digest('hex')
    .slice(0, 32);
}
