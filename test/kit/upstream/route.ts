/** The meaning of a request line. */

export type RequestKind = 'ping' | 'manifest' | 'blob' | 'tags' | 'referrers' | 'token' | 'cdn' | 'other';

export interface Route {
  readonly kind: RequestKind;
  /** The path without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly repository: string | undefined;
  /** Tag or digest. */
  readonly reference: string | undefined;
}

/** Path of the token server. */
export const TOKEN_PATH = '/token';

/** Path below which redirected content lives: outside `/v2/`, as at Artifact Registry. */
export const SIGNED_PATH = '/artifacts-downloads/';

/** Reads a request target. Names match greedily, so that a repository may be called `a/blobs/b`. */
export function parseRoute(target: string): Route {
  const cut = target.indexOf('?');
  const path = cut < 0 ? target : target.slice(0, cut);
  const query = new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
  for (const [kind, pattern] of PATTERNS) {
    const match = pattern.exec(path);
    if (match) {
      return { kind, path, query, repository: decode(match[1]), reference: decode(match[2]) };
    }
  }
  return { kind: 'other', path, query, repository: undefined, reference: undefined };
}

const PATTERNS: readonly (readonly [RequestKind, RegExp])[] = [
  ['ping', /^\/v2\/?$/],
  ['token', new RegExp(`^${TOKEN_PATH}$`)],
  ['cdn', new RegExp(`^${SIGNED_PATH}(.+)/([^/]+)$`)],
  ['manifest', /^\/v2\/(.+)\/manifests\/([^/]+)$/],
  ['blob', /^\/v2\/(.+)\/blobs\/([^/]+)$/],
  ['tags', /^\/v2\/(.+)\/tags\/list$/],
  ['referrers', /^\/v2\/(.+)\/referrers\/([^/]+)$/],
];

function decode(part: string | undefined): string | undefined {
  if (part === undefined) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
