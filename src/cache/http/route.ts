import { LarderError } from '../../kit/errors.ts';
import { parseDigest, type Digest } from '../../oci/digest.ts';
import { parseManifestReference, type ManifestReference } from '../../oci/reference.ts';

/** Meaning of a path of the registry API (distribution-spec v1.1.1, "Endpoints") or of the token endpoint. `name` is as the client writes it. */
export type Route =
  | { kind: 'ping' }
  | { kind: 'token'; upstream: string }
  | { kind: 'catalog' }
  | { kind: 'manifest'; name: string; reference: ManifestReference }
  | { kind: 'blob'; name: string; digest: Digest }
  | { kind: 'tags'; name: string }
  | { kind: 'referrers'; name: string; digest: Digest };

/** Prefix of the token endpoint, before the upstream's name. Clients of upstreams with `authentication.realm: Cache` log in there. */
export const TOKEN_PATH = '/token/';

/**
 * Parses a path without its query. A name may contain `/`, and components such as `blobs` or `manifests`, so the end of the path
 * decides. Throws `DIGEST_INVALID`, `TAG_INVALID`, `NAME_INVALID`, or `NAME_UNKNOWN` for any path outside the API.
 */
export function parseRoute(path: string): Route {
  if (path === '/v2/' || path === '/v2') return { kind: 'ping' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (path.startsWith(TOKEN_PATH))
    return { kind: 'token', upstream: decodeComponent(path.slice(TOKEN_PATH.length)) };
  if (!path.startsWith('/v2/')) throw notAnEndpoint(path);
  const lastSlash = path.lastIndexOf('/');
  const verbSlash = path.lastIndexOf('/', lastSlash - 1);
  if (verbSlash <= 3) throw notAnEndpoint(path);
  const name = decodeComponent(path.slice(4, verbSlash));
  const last = decodeComponent(path.slice(lastSlash + 1));
  switch (path.slice(verbSlash + 1, lastSlash)) {
    case 'manifests':
      return { kind: 'manifest', name, reference: parseManifestReference(last) };
    case 'blobs':
      return { kind: 'blob', name, digest: parseDigest(last) };
    case 'referrers':
      return { kind: 'referrers', name, digest: parseDigest(last) };
    case 'tags':
      if (last === 'list') return { kind: 'tags', name };
      throw notAnEndpoint(path);
    default:
      throw notAnEndpoint(path);
  }
}

function decodeComponent(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new LarderError(
      'NAME_INVALID',
      `invalid percent-encoding in the path: ${JSON.stringify(text.slice(0, 150))}`,
    );
  }
}

function notAnEndpoint(path: string): LarderError {
  return new LarderError(
    'NAME_UNKNOWN',
    `${JSON.stringify(path.slice(0, 150))} is not a path of the registry API: expected /v2/<name>/manifests/<reference>, ` +
      '/v2/<name>/blobs/<digest>, /v2/<name>/tags/list or /v2/<name>/referrers/<digest>',
  );
}
