/** The registry's own endpoints (distribution-spec v1.1.1, end-1, 2, 3, 8, 12): content in, answers out. */
import type { IncomingMessage } from 'node:http';
import { blobFrom } from '../blob.ts';
import { MEDIA_TYPES, type TestImage } from '../image.ts';
import { errorAnswer, jsonAnswer, type Answer } from './answer.ts';
import type { Catalogue, Repository } from './catalogue.ts';
import { negotiate } from './negotiate.ts';
import { pageOf, parseCount } from './paging.ts';
import type { Route } from './route.ts';

export interface RegistryOptions {
  /** `distribution`: 404 or another manifest when `Accept` lacks the type. Otherwise the content as it is. */
  readonly negotiation?: 'none' | 'distribution';
  /** The referrers API: with its filter, without it, or 404. */
  readonly referrers?: 'filtered' | 'unfiltered' | 'unsupported';
  /** Most items on a page of referrers or tags, whatever `n` says. */
  readonly pageSize?: number;
  /** Form of `Link` URLs. */
  readonly links?: 'relative' | 'absolute';
}

/** Answers an authorized request. `origin` is the registry's own URL, for absolute links. */
export function answerRegistry(
  request: IncomingMessage,
  route: Route,
  catalogue: Catalogue,
  options: RegistryOptions,
  origin: string,
): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return errorAnswer(405, 'UNSUPPORTED', 'the operation is unsupported', { allow: 'GET, HEAD' });
  }
  if (route.kind === 'ping') return jsonAnswer(200, {});
  if (route.repository === undefined) return errorAnswer(404, 'UNSUPPORTED', 'no such path');
  const repository = catalogue.repository(route.repository);
  if (!repository) return errorAnswer(404, 'NAME_UNKNOWN', 'repository name not known to registry');
  if (route.kind === 'manifest') return answerManifest(request, repository, route.reference ?? '', options);
  if (route.kind === 'blob') return answerBlob(repository, route.reference ?? '');
  if (route.kind === 'tags') return answerTags(repository, route, options, origin);
  if (route.kind === 'referrers') return answerReferrers(repository, route, options, origin);
  return errorAnswer(404, 'UNSUPPORTED', 'no such path');
}

function answerManifest(
  { headers }: IncomingMessage,
  repository: Repository,
  reference: string,
  { negotiation = 'none' }: RegistryOptions,
): Answer {
  const byTag = !reference.includes(':');
  const digest = byTag ? repository.tags.get(reference) : reference;
  if (!byTag && !isDigest(reference))
    return errorAnswer(400, 'DIGEST_INVALID', 'provided digest is not valid');
  const stored = repository.manifests.get(digest ?? '');
  const image = stored && negotiation === 'distribution' ? negotiate(stored, headers.accept, byTag) : stored;
  if (!image) return errorAnswer(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  const etag = `"${image.digest}"`;
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag }, digest: image.digest };
  return {
    status: 200,
    headers: { 'content-type': image.mediaType, etag },
    body: blobFrom(image.bytes),
    digest: image.digest,
  };
}

function answerBlob(repository: Repository, digest: string): Answer {
  if (!isDigest(digest)) return errorAnswer(400, 'DIGEST_INVALID', 'provided digest is not valid');
  const body = repository.blobs.get(digest);
  if (!body) return errorAnswer(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  const headers = {
    'content-type': 'application/octet-stream',
    etag: `"${digest}"`,
    'cache-control': 'max-age=31536000',
  };
  return { status: 200, headers, body, digest, ranged: true };
}

function answerTags(repository: Repository, route: Route, options: RegistryOptions, origin: string): Answer {
  const { query } = route;
  const tags = [...repository.tags.keys()].sort();
  const n = smaller(parseCount(query.get('n')), options.pageSize);
  const { items, next } = pageOf(tags, (tag) => tag, n, query.get('last') ?? undefined);
  const link = next === undefined ? {} : nextLink(route, { n: `${n}`, last: next }, options, origin);
  return jsonAnswer(200, { name: repository.name, tags: items }, link);
}

function answerReferrers(
  repository: Repository,
  route: Route,
  options: RegistryOptions,
  origin: string,
): Answer {
  const { reference = '', query } = route;
  if (options.referrers === 'unsupported') return errorAnswer(404, 'UNSUPPORTED', 'no such path');
  if (!isDigest(reference)) return errorAnswer(400, 'DIGEST_INVALID', 'provided digest is not valid');
  const wanted = options.referrers === 'unfiltered' ? null : query.get('artifactType');
  const all = [...repository.manifests.values()]
    .filter((image) => image.subject === reference && (wanted === null || image.artifactType === wanted))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const { items, next } = pageOf(
    all,
    (image) => image.digest,
    options.pageSize,
    query.get('last') ?? undefined,
  );
  return jsonAnswer(
    200,
    { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: items.map(referrerDescriptor) },
    {
      'content-type': MEDIA_TYPES.ociIndex,
      ...(wanted !== null && { 'oci-filters-applied': 'artifactType' }),
      ...(next !== undefined && nextLink(route, { last: next }, options, origin)),
    },
  );
}

function referrerDescriptor({ mediaType, digest, size, artifactType, annotations }: TestImage) {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
}

function nextLink(
  route: Route,
  changes: Record<string, string>,
  { links = 'relative' }: RegistryOptions,
  origin: string,
): { link: string } {
  const query = new URLSearchParams(route.query);
  for (const [name, value] of Object.entries(changes)) query.set(name, value);
  return { link: `<${links === 'absolute' ? origin : ''}${route.path}?${query.toString()}>; rel="next"` };
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : Math.min(a, b ?? a);
}

function isDigest(text: string): boolean {
  return /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}
