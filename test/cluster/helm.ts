import { fileURLToPath } from 'node:url';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

/** The chart in this checkout. */
export const CHART = fileURLToPath(new URL('../../deploy/charts/larder', import.meta.url));

/** The Kubernetes that charts are rendered for where there is none to ask: a helm that was built from source knows of no other than 1.20. */
export const WITHOUT_CLUSTER = ['--kube-version', '1.34'] as const;

/** Runs helm and gives what it printed. Throws an `Error` with its output when it does not end with 0. */
export type Helm = (...args: readonly string[]) => Promise<string>;

export interface HelmOptions {
  /** Directory for what it would keep in the home of its user. */
  readonly home: string;
  /** Path of the kubeconfig, for commands that reach an API server. */
  readonly kubeconfig?: string;
}

/** Binds helm to a home and a cluster. Needs the part helm. */
export function createHelm({ home, kubeconfig = '/dev/null' }: HelmOptions): Helm {
  const env = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: kubeconfig };
  return async (...args) => (await run(needPart('helm'), args, { env })).stdout;
}
