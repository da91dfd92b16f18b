import { resolve } from 'node:path';
import { LarderError } from '../../kit/errors.ts';
import { readConnectionFile } from './connection-file.ts';
import type { KubeAccess } from './connection.ts';
import type { PluginCredential } from './exec-plugin.ts';
import type { KubeconfigContext } from './kubeconfig.ts';

export interface KubeconfigPlace {
  /** Name of the kubeconfig, for messages. */
  readonly kubeconfig: string;
  /** Directory to which the paths in it are relative. */
  readonly directory: string;
  /** Asks the login plugin, if there is one. */
  readonly login: (() => Promise<PluginCredential>) | undefined;
}

/**
 * Credentials of a context, with the contents of the files that it names. Data take precedence over a file and a token file over a token,
 * as in client-go. Throws `KUBE_CONNECTION_INVALID` with kubeconfig and field.
 */
export async function kubeconfigAccess(
  { cluster, user }: KubeconfigContext,
  { kubeconfig, directory, login }: KubeconfigPlace,
): Promise<KubeAccess> {
  const text = async (data: string | undefined, path: string | undefined, field: string) => {
    if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
    if (path === undefined) return undefined;
    return await readConnectionFile(resolve(directory, path), `kubeconfig ${kubeconfig}: ${field}`);
  };
  const [ca, cert, key, tokenOfFile] = await Promise.all([
    text(cluster['certificate-authority-data'], cluster['certificate-authority'], 'certificate-authority'),
    text(user['client-certificate-data'], user['client-certificate'], 'client-certificate'),
    text(user['client-key-data'], user['client-key'], 'client-key'),
    text(undefined, user.tokenFile, 'tokenFile'),
  ]);
  if ((cert === undefined) !== (key === undefined))
    throw new LarderError(
      'KUBE_CONNECTION_INVALID',
      `kubeconfig ${kubeconfig}: expected client-certificate together with client-key`,
    );
  const credential = await login?.();
  const token = tokenOfFile?.trim() ?? user.token ?? credential?.token;
  return {
    tls: {
      ca,
      cert: cert ?? credential?.cert,
      key: key ?? credential?.key,
      serverName: cluster['tls-server-name'],
      verify: cluster['insecure-skip-tls-verify'] !== true,
    },
    authorization: token === undefined ? undefined : `Bearer ${token}`,
  };
}
