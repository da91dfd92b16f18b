import type { Option } from 'commander';
import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { CommandIo } from './command.ts';
import { option } from './options.ts';

/** The values of {@link kubeconfigOption}, {@link contextOption} and {@link namespaceOption}. */
export interface KubeOptions {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

export interface KubeConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts with the program. */
  readonly signal: AbortSignal;
}

/**
 * Makes the connection that the flags describe: by the kubeconfig if there is one, else by the service account of the pod. The
 * flag `--namespace` overrides the namespace of the connection. Sends no request to the API server. Throws `USAGE` and
 * `KUBE_CONNECTION_INVALID`.
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

export function kubeconfigOption(): Option {
  return option('--kubeconfig <file>', "connection to the API server (default: the pod's service account)");
}

export function contextOption(): Option {
  return option('--context <name>', 'context of the kubeconfig (default: the current one)');
}

export function namespaceOption(): Option {
  return option('--namespace <name>', "Larder's own namespace (default: that of the pod, or of the context)");
}

/**
 * Connects to the API server that the kubelet names in the environment of every container. Throws `USAGE` outside of a pod, and
 * `KUBE_CONNECTION_INVALID`.
 */
export async function connectionOfPod(
  environment: CommandIo['environment'],
  { signal, ...deps }: KubeConnectionDeps,
): Promise<KubeConnection> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port)
    throw new LarderError('USAGE', '--kubeconfig is needed: this process does not run in a pod');
  const { createInClusterConnection, SERVICE_ACCOUNT_DIRECTORY: directory } =
    await import('../kube/connection/in-cluster.ts');
  return await createInClusterConnection(deps, { directory, host, port }, signal);
}

/** Connects by a kubeconfig. Throws `KUBE_CONNECTION_INVALID`. */
export async function connectionOfFile(
  settings: { readonly file: string; readonly context: string | undefined } & Pick<CommandIo, 'environment'>,
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  const { createKubeconfigConnection } = await import('../kube/connection/kubeconfig-connection.ts');
  return await createKubeconfigConnection(deps, settings);
}
