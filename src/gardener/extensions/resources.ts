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
  readonly conditions?: readonly ExtensionCondition[];
}

/** A condition in Gardener's form (`core/v1beta1`, `Condition`). Times are RFC 3339, in seconds. */
export interface ExtensionCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** Time of the last change of `status`. */
  readonly lastTransitionTime: string;
  readonly lastUpdateTime: string;
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

export const EXTENSIONS: Resource<Extension> = {
  group: 'extensions.gardener.cloud',
  version: 'v1alpha1',
  kind: 'Extension',
  plural: 'extensions',
  namespaced: true,
};

export const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
