import { parseAllDocuments } from 'yaml';
import { CHART, WITHOUT_CLUSTER, type Helm } from '../cluster/helm.ts';
import { tempDir } from '../kit/index.ts';

/** An object of the chart, as far as tests look into it. */
export interface ChartObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** A Deployment, DaemonSet or Job. */
export interface Workload extends ChartObject {
  readonly spec: { readonly replicas?: number; readonly template: { readonly spec: PodSpec } };
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly priorityClassName?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly topologySpreadConstraints?: readonly object[];
  readonly containers: readonly [
    {
      readonly image: string;
      readonly args: readonly string[];
      readonly command?: readonly string[];
      readonly livenessProbe?: {
        readonly httpGet: object;
        readonly periodSeconds?: number;
        readonly timeoutSeconds?: number;
        readonly failureThreshold?: number;
      };
      readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
    },
  ];
}

/** The objects of the chart for some values. */
export interface ChartObjects {
  readonly all: readonly ChartObject[];
  /** As `kind/name`, sorted. */
  readonly names: readonly string[];
  /** Throws an `Error` when there is none of that name. */
  workload(name: string): Workload;
}

/** Renders the chart with these values. Throws what helm says when it refuses them. */
export async function chartObjects(helm: Helm, values: object): Promise<ChartObjects> {
  using own = tempDir();
  const file = own.write('values.json', JSON.stringify(values));
  const rendered = await helm(
    'template',
    'larder',
    CHART,
    '--namespace=larder-system',
    `--values=${file}`,
    ...WITHOUT_CLUSTER,
  );
  const all = parseAllDocuments(rendered).map((document) => document.toJS() as ChartObject);
  return {
    all,
    names: all.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort(),
    workload(name) {
      const found = all.find(({ metadata, spec }) => metadata.name === name && spec && 'template' in spec);
      if (found === undefined) throw new Error(`the chart has no workload ${name}`);
      return found as Workload;
    },
  };
}
