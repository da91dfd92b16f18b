import { LarderError } from '../../kit/errors.ts';
import type { KubeConnection } from '../../kube/connection/connection.ts';
import type { CommandIo } from '../command.ts';
import { connectionOfPod, type KubeConnectionDeps } from '../kube-connection.ts';

/**
 * Connects to the API server of the cluster that this pod runs in. Throws `USAGE` with Go's text outside of a pod, and
 * `KUBE_CONNECTION_INVALID` if the service account cannot be read.
 */
export async function inClusterConnection(
  { environment }: Pick<CommandIo, 'environment'>,
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port)
    throw new LarderError(
      'USAGE',
      'could not get in-cluster config: unable to load in-cluster configuration, ' +
        'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    );
  return await connectionOfPod(environment, deps);
}
