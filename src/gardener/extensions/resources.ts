import type { KubeObject, Resource } from '../../kube/types.ts';

/** The part of an `Extension` that this extension reads or writes (gardener v1.147.1, `extensions/v1alpha1`). */
export interface Extension extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    /** Absent: `shoot`. */
    readonly class?: string;
    /** Written by users, checked by admission, and still not trusted to be valid. */
    readonly providerConfig?: unknown;
  };
  readonly status?: ExtensionStatus;
}

export interface ExtensionStatus {
  readonly observedGeneration?: number;
  readonly lastOperation?: LastOperation;
  readonly lastError?: LastError;
  readonly providerStatus?: unknown;
}

/** Types of an operation that extensions carry out. */
export type OperationType = 'Create' | 'Reconcile' | 'Delete' | 'Migrate' | 'Restore';

export interface LastOperation {
  readonly type: string;
  readonly state: string;
  readonly progress: number;
  readonly description: string;
  readonly lastUpdateTime: string;
}

export interface LastError {
  readonly description: string;
  readonly codes?: readonly string[];
  readonly taskID?: string;
  readonly lastUpdateTime?: string;
}

/** Name of a Cluster is the namespace of its shoot in the seed. Seed and CloudProfile in it are left out here: they are large. */
export interface Cluster extends KubeObject {
  readonly spec: {
    /** A whole `core.gardener.cloud/v1beta1` Shoot, as gardenlet copied it. */
    readonly shoot: unknown;
  };
}

const API = { group: 'extensions.gardener.cloud', version: 'v1alpha1' } as const;

export const EXTENSIONS: Resource<Extension> = {
  ...API,
  kind: 'Extension',
  plural: 'extensions',
  namespaced: true,
};

export const CLUSTERS: Resource<Cluster> = {
  ...API,
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: false,
};

export const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
