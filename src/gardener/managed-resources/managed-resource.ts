import type { KubeObject, Resource } from '../../kube/types.ts';
import { referenceAnnotations } from './references.ts';

/** Objects that gardener-resource-manager applies and keeps (gardener v1.147.1, `resources.gardener.cloud/v1alpha1`). */
export interface ManagedResource extends KubeObject {
  readonly spec: {
    /** Undefined: the manager of the shoot. */
    readonly class?: string;
    readonly secretRefs: readonly { readonly name: string }[];
    /** Labels that every object gets in addition. */
    readonly injectLabels?: Readonly<Record<string, string>>;
    /** True: the objects stay when this one is deleted. */
    readonly keepObjects?: boolean;
    /** True: the claims of a StatefulSet that is deleted are deleted with it. */
    readonly deletePersistentVolumeClaims?: boolean;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

export const MANAGED_RESOURCES: Resource<ManagedResource> = {
  group: 'resources.gardener.cloud',
  version: 'v1alpha1',
  kind: 'ManagedResource',
  plural: 'managedresources',
  namespaced: true,
};

/** Labels that say who made the ManagedResource. gardenlet acts on those of its own only. */
const ORIGIN = { origin: 'registry-cache' } as const;

/** Keeps Gardener from deleting the objects with all others of a shoot, before the extension is deleted. */
export const NO_CLEANUP = { 'shoot.gardener.cloud/no-cleanup': 'true' } as const;

export interface ManagedResourceName {
  readonly namespace: string;
  readonly name: string;
}

/** Builds the ManagedResource for objects of a shoot whose manifests are in the Secret `secretName`. */
export function shootManagedResource(
  { namespace, name }: ManagedResourceName,
  secretName: string,
  options: { readonly deletePersistentVolumeClaims?: true },
): ManagedResource {
  return {
    apiVersion: `${MANAGED_RESOURCES.group}/${MANAGED_RESOURCES.version}`,
    kind: MANAGED_RESOURCES.kind,
    metadata: { name, namespace, labels: ORIGIN, annotations: referenceAnnotations([secretName]) },
    spec: {
      secretRefs: [{ name: secretName }],
      injectLabels: NO_CLEANUP,
      keepObjects: false,
      ...options,
    },
  };
}
