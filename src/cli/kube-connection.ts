import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { CommandIo } from './command.ts';
import type { KubeOptions } from './kube-options.ts';

export interface KubeConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The program's. */
  readonly signal: AbortSignal;
}

/**
 * The connection that flags describe: of a kubeconfig where one is given, else of the Pod that this process runs in; its namespace is that
 * of the flag where there is one. Asks the API server nothing. Throws `USAGE` and `KUBE_CONNECTION_INVALID`.
 */
export async function kubeConnectionOf(
  { kubeconfig, context, namespace }: KubeOptions,
  { environment }: Pick<CommandIo, 'environment'>,
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  if (context !== undefined && kubeconfig === undefined)
    throw new LarderError('USAGE', '--context needs --kubeconfig beside it');
  const connection =
    kubeconfig === undefined
      ? await connectionOfPod(environment, deps)
      : await connectionOfFile({ file: kubeconfig, context, environment }, deps);
  return { ...connection, namespace: namespace ?? connection.namespace };
}

/** Kubelet tells every container where the API server is. */
async function connectionOfPod(
  environment: CommandIo['environment'],
  { signal, ...deps }: KubeConnectionDeps,
): Promise<KubeConnection> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port)
    throw new LarderError('USAGE', '--kubeconfig is needed: this process does not run in a Pod');
  const { createInClusterConnection, SERVICE_ACCOUNT_DIRECTORY: directory } =
    await import('../kube/connection/in-cluster.ts');
  return await createInClusterConnection(deps, { directory, host, port }, signal);
}

async function connectionOfFile(
  settings: { readonly file: string; readonly context: string | undefined } & Pick<CommandIo, 'environment'>,
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  const { createKubeconfigConnection } = await import('../kube/connection/kubeconfig-connection.ts');
  return await createKubeconfigConnection(deps, settings);
}
