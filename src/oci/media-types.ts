import { digestOf } from './digest.ts';

/** Media types of image-spec media-types.md and containerd core/images/mediatypes.go. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_ARTIFACT = 'application/vnd.oci.artifact.manifest.v1+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
const DOCKER_SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
export const OCTET_STREAM = 'application/octet-stream';

/**
 * `Accept` of Larder's requests by digest, whose answer cannot depend on it: everything but schema 1, whose body does not hash to
 * its digest.
 */
export const ACCEPT_ANY_MANIFEST = [
  OCI_INDEX,
  OCI_MANIFEST,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_ARTIFACT,
  '*/*;q=0.1',
].join(', ');

/** True for a signed or unsigned Docker schema 1 manifest: passed through, never stored. */
export function isSchema1(mediaType: string): boolean {
  return mediaType === DOCKER_SCHEMA1 || mediaType === DOCKER_SCHEMA1_SIGNED;
}

/** A `Content-Type` without its parameters, lower case. */
export function essence(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** True if an `Accept` header has `mediaType` or a wildcard for it. A missing header accepts everything (RFC 9110, section 12.5.1). */
export function accepts(accept: string | undefined, mediaType: string): boolean {
  const types = (accept ?? '')
    .split(',')
    .map(essence)
    .filter((type) => type !== '');
  const family = `${mediaType.slice(0, mediaType.indexOf('/'))}/*`;
  return types.length === 0 || types.some((type) => type === mediaType || type === '*/*' || type === family);
}

const CLASSES: [string, string][] = [
  [OCI_INDEX, 'i'],
  [OCI_MANIFEST, 'm'],
  [DOCKER_LIST, 'l'],
  [DOCKER_MANIFEST, 'd'],
  [DOCKER_SCHEMA1, 's'],
  [DOCKER_SCHEMA1_SIGNED, 's'],
  ['*/*', '*'],
];

/**
 * The class of an `Accept` header, under which a tag's answer is remembered, because a registry may answer one tag with different
 * manifests: Distribution gives the linux/amd64 manifest of a list to a client that does not accept lists. Order and weights do not
 * matter. Vendor types count by their names, all others as one, and no type at all is class `-`. A class has at most 200
 * characters; a longer one is replaced by its hash.
 */
export function acceptClass(accept: string | undefined): string {
  const classes = new Set<string>();
  for (const part of (accept ?? '').split(',')) {
    const type = essence(part);
    if (type === '') continue;
    const known = CLASSES.find(([name]) => name === type);
    classes.add(known?.[1] ?? (type.startsWith('application/vnd.') ? `<${type}>` : '?'));
  }
  if (classes.size === 0) return '-';
  const text = [...classes].sort().join('');
  return text.length <= 200 ? text : digestOf(Buffer.from(text));
}
