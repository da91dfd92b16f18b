import type { LabCluster } from './lab-cluster.ts';

/** Objects of one kind in a cluster of a lab. */
export interface LabCollection {
  readonly cluster: LabCluster;
  readonly path: string;
}

/** Object as an API server of a lab has it. */
export interface LabObject {
  readonly metadata: {
    readonly name: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly spec?: object;
  readonly status?: object;
}

/** Lists objects in the order of their names. */
export async function list({ requests }: LabCluster, path: string): Promise<LabObject[]> {
  return ((await requests('GET', path)) as { readonly items?: LabObject[] }).items ?? [];
}
