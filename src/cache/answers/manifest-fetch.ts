import { isLarderError, LarderError } from '../../kit/errors.ts';
import { digestAlgorithm, digestOf, isDigest, type Digest } from '../../oci/digest.ts';
import { MANIFEST_SIZE_LIMIT } from '../../oci/manifest.ts';
import { ACCEPT_ANY_MANIFEST, essence, isSchema1, OCTET_STREAM } from '../../oci/media-types.ts';
import { referenceText, type ManifestReference } from '../../oci/reference.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import { contentName, type Target } from '../access/target.ts';
import { manifestRecord, type ManifestRecord } from './manifest-record.ts';
import { toRefusal } from '../../upstream/refusal.ts';

export interface ManifestRequest {
  readonly target: Target;
  readonly reference: ManifestReference;
  /** The client's `Accept` for a tag, whose answer depends on it. Ignored for a digest. */
  readonly accept: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * GETs a whole manifest and checks it against the requested digest, or against the digest that the upstream states. Throws the
 * upstream's refusal, `MANIFEST_TOO_LARGE`, or `UPSTREAM_DIGEST_MISMATCH`.
 */
export async function fetchManifest(request: ManifestRequest, now: () => number): Promise<ManifestRecord> {
  const response = await ask(request, 'GET');
  if (response.status !== 200) {
    response.body.destroy();
    throw refusalOfManifest(response, request);
  }
  return readManifest(response, request.reference, now());
}

/** Reads a 200 answer into a record. The body is always read to its end or destroyed. */
async function readManifest(
  response: UpstreamResponse,
  reference: ManifestReference,
  now: number,
): Promise<ManifestRecord> {
  const name = referenceText(reference);
  if ((response.contentLength ?? 0) > MANIFEST_SIZE_LIMIT) {
    response.body.destroy();
    throw tooLarge(name);
  }
  const content = await response.read(MANIFEST_SIZE_LIMIT).catch((error: unknown) => {
    throw isLarderError(error, 'UPSTREAM_BAD_ANSWER') ? tooLarge(name) : error;
  });
  const mediaType = mediaTypeOf(response);
  const stated = statedDigest(response);
  if (isSchema1(mediaType)) {
    const digest = reference.kind === 'digest' ? reference.digest : (stated ?? digestOf(content));
    return manifestRecord(digest, mediaType, content, now, true);
  }
  const expected = reference.kind === 'digest' ? reference.digest : stated;
  const digest = digestOf(content, expected === undefined ? 'sha256' : digestAlgorithm(expected));
  if (expected !== undefined && digest !== expected) {
    throw new LarderError(
      'UPSTREAM_DIGEST_MISMATCH',
      `the upstream sent a manifest for ${name} with digest ${digest}, expected ${expected}`,
    );
  }
  return manifestRecord(digest, mediaType, content, now);
}

/** Answer to a HEAD of a manifest. `digest` is undefined if the upstream does not state it, as some do not. */
export interface ManifestHead {
  readonly digest: Digest | undefined;
  readonly mediaType: string;
  readonly size: number | undefined;
}

/**
 * HEADs a manifest, which registries do not count as a pull (Docker Hub usage limits). Undefined if the upstream does not support
 * HEAD (405, or 400 of some). Throws the upstream's refusal.
 */
export async function headManifest(request: ManifestRequest): Promise<ManifestHead | undefined> {
  const response = await ask(request, 'HEAD');
  response.body.destroy();
  if (response.status === 405 || response.status === 400) return undefined;
  if (response.status !== 200) throw refusalOfManifest(response, request);
  return { digest: statedDigest(response), mediaType: mediaTypeOf(response), size: response.contentLength };
}

function ask(request: ManifestRequest, method: 'GET' | 'HEAD'): Promise<UpstreamResponse> {
  const { target, reference, signal } = request;
  const accept = reference.kind === 'digest' ? ACCEPT_ANY_MANIFEST : request.accept;
  return target.requester.request({
    method,
    kind: 'manifest',
    path: `/v2/${target.repository}/manifests/${referenceText(reference)}`,
    signal,
    ...(accept !== undefined && { accept }),
  });
}

function refusalOfManifest(response: UpstreamResponse, { target, reference }: ManifestRequest): LarderError {
  const last = reference.kind === 'tag' ? reference.tag : reference.digest;
  return toRefusal(response, 'manifest', contentName(target, last));
}

function mediaTypeOf(response: UpstreamResponse): string {
  const header = response.headers['content-type'];
  return header === undefined || header === '' ? OCTET_STREAM : essence(header);
}

function statedDigest(response: UpstreamResponse): Digest | undefined {
  const header = response.headers['docker-content-digest'];
  return header !== undefined && isDigest(header) ? header : undefined;
}

function tooLarge(name: string): LarderError {
  return new LarderError(
    'MANIFEST_TOO_LARGE',
    `the upstream's manifest for ${name} is larger than ${MANIFEST_SIZE_LIMIT} bytes, the most that clients accept`,
  );
}
