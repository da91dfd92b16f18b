import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import { FILES_MAX_AGE_MS, readConnectionFile } from './connection-file.ts';
import type { KubeAccess, KubeConnection } from './connection.ts';
import { createFreshValue } from './fresh-value.ts';

export interface InClusterSettings {
  /** Directory with `token`, `ca.crt` and `namespace`. */
  readonly directory: string;
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly host: string;
  readonly port: string;
}

/** Directory in which kubelet mounts the service account of a Pod. */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Connection of a Pod by its service account. Token and authority are read again as they rotate. Throws `KUBE_CONNECTION_INVALID` if one of
 * the files cannot be read.
 */
export async function createInClusterConnection(
  deps: { readonly clock: Clock; readonly logger: Logger },
  { directory, host, port }: InClusterSettings,
  signal: AbortSignal,
): Promise<KubeConnection> {
  const read = async (name: string): Promise<string> =>
    (await readConnectionFile(join(directory, name), 'service account')).trim();
  const access = createFreshValue(
    deps,
    async (): Promise<KubeAccess> => {
      const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
      return {
        tls: { ca, cert: undefined, key: undefined, serverName: undefined, verify: true },
        authorization: `Bearer ${token}`,
      };
    },
    FILES_MAX_AGE_MS,
  );
  const [namespace] = await Promise.all([read('namespace'), access.get(signal)]);
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace,
    access: (caller) => access.get(caller),
    refresh: () => access.expire(),
  };
}
