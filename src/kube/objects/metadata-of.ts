import type { Resource } from '../types.ts';

/**
 * The objects of `resource` by their metadata alone, to get, list, watch, patch, apply and delete: the server leaves out everything else
 * (`PartialObjectMetadata`), so that a watch of all Secrets brings none of their contents into the process. They have the `apiVersion`
 * and `kind` that they really have. To create and to replace them is refused: it would empty them.
 */
export function metadataOf({ group, version, kind, plural, namespaced }: Resource): Resource {
  return { group, version, kind, plural, namespaced, metadataOnly: true };
}
