import { LarderError } from '../kit/errors.ts';
import { parseDigest, type Digest } from './digest.ts';

/** A repository's name at its registry, such as `library/alpine`. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };
export type Tag = string & { readonly __brand: 'Tag' };

/** The path segment after `/manifests/`. A `:` makes it a digest, since tags cannot contain one. */
export type ManifestReference = { kind: 'tag'; tag: Tag } | { kind: 'digest'; digest: Digest };

/** distribution-spec v1.1.1, "Pulling manifests". */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Many clients limit host and name together to 255 characters (distribution-spec v1.1.1, "Pulling manifests"). */
const REPOSITORY_NAME_LIMIT = 255;

/** Parses a repository name; throws `NAME_INVALID`. */
export function parseRepositoryName(text: string): RepositoryName {
  if (text.length <= REPOSITORY_NAME_LIMIT && REPOSITORY.test(text)) return text as RepositoryName;
  throw new LarderError(
    'NAME_INVALID',
    `invalid repository name ${JSON.stringify(text.slice(0, 260))}: expected lower-case path components of letters, ` +
      `digits and single separators (. _ __ -), at most ${REPOSITORY_NAME_LIMIT} characters`,
  );
}

/** Parses a tag; throws `TAG_INVALID`. */
export function parseTag(text: string): Tag {
  if (TAG.test(text)) return text as Tag;
  throw new LarderError(
    'TAG_INVALID',
    `invalid tag ${JSON.stringify(text.slice(0, 150))}: expected up to 128 letters, digits, "_", "." and "-", not beginning with "." or "-"`,
  );
}

/** Parses a manifest reference; throws `DIGEST_INVALID` or `TAG_INVALID`. */
export function parseManifestReference(text: string): ManifestReference {
  return text.includes(':')
    ? { kind: 'digest', digest: parseDigest(text) }
    : { kind: 'tag', tag: parseTag(text) };
}

/** The reference as a path segment. */
export function referenceText(reference: ManifestReference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest;
}
