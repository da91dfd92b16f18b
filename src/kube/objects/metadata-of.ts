import type { Resource } from '../types.ts';

/**
 * `resource` reduced to metadata, to get, list, watch, patch, apply and delete. The server leaves out everything else
 * (`PartialObjectMetadata`), so a watch of all Secrets brings none of their contents into the process. Objects keep their real `apiVersion`
 * and `kind`. Create and replace are refused, because they would empty the object.
 */
export function metadataOf({ group, version, kind, plural, namespaced }: Resource): Resource {
  return { group, version, kind, plural, namespaced, metadataOnly: true };
}
