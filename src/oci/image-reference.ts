import { parseDigest, type Digest } from './digest.ts';
import { parseRepositoryName, parseTag, type ManifestReference, type RepositoryName } from './reference.ts';

/** The parts of an image's name: registry, repository, and a tag or digest. */
export interface ImageReference {
  /** `host` or `host:port`. */
  readonly upstream: string;
  readonly repository: RepositoryName;
  readonly reference: ManifestReference;
}

/**
 * Parses an image's name as Docker does (distribution/reference, `ParseNormalizedNamed`). The text before the first slash is a
 * registry if it has a dot or a colon, is `localhost`, or `isUpstream` knows it. Without a registry the image is at Docker Hub,
 * whose own images are below `library/`. Without tag and digest the tag is `latest`; beside a digest a tag has no meaning. Throws
 * `NAME_INVALID`, `TAG_INVALID` or `DIGEST_INVALID`.
 */
export function parseImageReference(
  text: string,
  isUpstream: (host: string) => boolean = () => false,
): ImageReference {
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : parseDigest(text.slice(at + 1));
  const named = at === -1 ? text : text.slice(0, at);
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(0, slash));
  const isHost = first !== '' && (/[.:]/.test(first) || first === 'localhost' || isUpstream(first));
  const path = isHost ? named.slice(slash + 1) : named;
  // A tag has no slash, and a path no colon.
  const colon = path.indexOf(':');
  const name = colon === -1 ? path : path.slice(0, colon);
  const tag = parseTag(colon === -1 ? 'latest' : path.slice(colon + 1));
  const upstream = !isHost || first === 'index.docker.io' ? 'docker.io' : first;
  return {
    upstream,
    repository: parseRepositoryName(
      upstream === 'docker.io' && !name.includes('/') ? `library/${name}` : name,
    ),
    reference: digest === undefined ? { kind: 'tag', tag } : { kind: 'digest', digest },
  };
}

/** Parses an image's name, or a digest alone, which names any content. Throws as {@link parseImageReference}. */
export function parseImageOrDigest(
  text: string,
  isUpstream?: (host: string) => boolean,
): ImageReference | Digest {
  // A damaged digest is far more likely than an image of Docker Hub called sha256.
  return /^sha(?:256|512):/.test(text) ? parseDigest(text) : parseImageReference(text, isUpstream);
}
