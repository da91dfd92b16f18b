import type { Resource } from '../types.ts';

/**
 * The `Accept` header of a request. Metadata alone are asked for with nothing beside them: a server that cannot leave out the rest
 * refuses (406) rather than sends it (Kubernetes API concepts, "Metadata-only fetches").
 */
export function acceptOf({ resource, verb }: { readonly resource: Resource; readonly verb: string }): string {
  if (resource.metadataOnly !== true) return 'application/json';
  return `application/json;as=PartialObjectMetadata${verb === 'list' ? 'List' : ''};g=meta.k8s.io;v=v1`;
}
