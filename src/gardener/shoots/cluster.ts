import type { KubeObject, Resource } from '../../kube/types.ts';

/** The object by which gardenlet shows a shoot to extensions. It has the name of the shoot's namespace in the seed. */
export interface Cluster extends KubeObject {
  /** `shoot` is a complete Shoot of 50 to 500 KB. Seed and CloudProfile are left out here: they are large. */
  readonly spec?: { readonly shoot?: unknown };
}

export const CLUSTERS: Resource<Cluster> = {
  group: 'extensions.gardener.cloud',
  version: 'v1alpha1',
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: false,
};

/** Annotation of a Shoot whose owner wants it gone, whatever cannot be cleaned up. Its value is a boolean as Go reads it. */
export const FORCE_DELETION = 'confirmation.gardener.cloud/force-deletion';
