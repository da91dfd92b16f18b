import { fileURLToPath } from 'node:url';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

/** Path of the chart in this checkout. */
export const CHART = fileURLToPath(new URL('../../deploy/charts/larder', import.meta.url));

/** Version of Kubernetes for charts that are rendered without a cluster. Without it, a helm that was built from source assumes 1.20. */
export const WITHOUT_CLUSTER = ['--kube-version', '1.34'] as const;

/** Runs helm and returns its output. Throws an `Error` with the output if the exit code is not 0. */
export type Helm = (...args: readonly string[]) => Promise<string>;

export interface HelmOptions {
  /** Directory for the files that helm keeps in a user's home. */
  readonly home: string;
  /** Path of the kubeconfig, for commands that reach an API server. */
  readonly kubeconfig?: string;
}

/** Creates a {@link Helm} with a home and a cluster. Needs the part helm. */
export function createHelm({ home, kubeconfig = '/dev/null' }: HelmOptions): Helm {
  const env = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: kubeconfig };
  return async (...args) => (await run(needPart('helm'), args, { env })).stdout;
}
