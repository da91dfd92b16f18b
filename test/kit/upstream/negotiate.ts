/** Chooses the manifest for a request by its `Accept`, as Distribution does (registry/handlers/manifests.go). */
import { MEDIA_TYPES, type TestImage } from '../image.ts';

/**
 * @param accept the joined `Accept` header
 * @param byTag a Docker list asked for by tag becomes its linux/amd64 manifest when lists are not accepted
 * @returns the manifest to answer with; undefined for 404, as OCI content gets it when its type is not accepted
 */
export function negotiate(
  image: TestImage,
  accept: string | undefined,
  byTag: boolean,
): TestImage | undefined {
  const accepted = acceptedTypes(accept);
  if (accepted.has(image.mediaType)) return image;
  switch (image.mediaType) {
    case MEDIA_TYPES.ociIndex:
    case MEDIA_TYPES.ociManifest:
      return undefined;
    case MEDIA_TYPES.dockerList:
      return byTag ? image.children.find(isLinuxAmd64) : image;
    default:
      return image;
  }
}

/** The media types of an `Accept` header, lower case, without parameters. Nothing matches `*`, as in Distribution. */
export function acceptedTypes(accept: string | undefined): ReadonlySet<string> {
  const types = (accept ?? '').split(',').map((part) => (part.split(';')[0] ?? '').trim().toLowerCase());
  return new Set(types.filter((type) => type !== ''));
}

function isLinuxAmd64(image: TestImage): boolean {
  return image.platform?.os === 'linux' && image.platform.architecture === 'amd64';
}
