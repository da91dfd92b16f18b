import type { Resource } from '../types.ts';

/**
 * `Accept` header of a request. Metadata are requested without an alternative, so a server that cannot leave out the rest refuses (406)
 * instead of sending everything (Kubernetes API concepts, "Metadata-only fetches").
 */
export function acceptOf({ resource, verb }: { readonly resource: Resource; readonly verb: string }): string {
  if (resource.metadataOnly !== true) return 'application/json';
  return `application/json;as=PartialObjectMetadata${verb === 'list' ? 'List' : ''};g=meta.k8s.io;v=v1`;
}
