import type { KubeObject } from '../../kube/types.ts';

/** An object of the operator's chart. */
export type ChartObject = KubeObject & { readonly [field: string]: unknown };

/** The part of a workload that is completed when it is deployed. */
export interface Workload extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly nodeSelector?: Readonly<Record<string, string>>;
        readonly tolerations?: readonly object[];
      };
    };
  };
}

export interface Container {
  readonly image: string;
  readonly args: readonly string[];
}
