import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubeConnection } from '../../kube/connection/connection.ts';
import { flagError, stringFlag, type GoValues } from '../go-flags/go-flag.ts';
import type { CommandIo } from '../command.ts';
import { connectionOfFile, connectionOfPod, type KubeConnectionDeps } from '../kube-connection.ts';

/** Flags of the connection to an API server, as in Gardener's extension library (v1.147.1, `RESTOptions`). */
export const REST_FLAGS = {
  kubeconfig: stringFlag('kubeconfig', {
    standard: '',
    usage: "Connection to the API server. Default: the file in KUBECONFIG, else the pod's service account.",
  }),
  master: stringFlag('master', {
    standard: '',
    usage: 'Address of the API server, instead of the one in the kubeconfig.',
  }),
};

/**
 * Connects by the kubeconfig of the flag or of the environment, else by the service account of the pod, else by the kubeconfig in the user's
 * home. Sends no request to the API server. Throws `USAGE` and `KUBE_CONNECTION_INVALID`.
 */
export async function restConnection(
  { kubeconfig, master }: GoValues<typeof REST_FLAGS>,
  { environment }: Pick<CommandIo, 'environment'>,
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  const file = kubeconfig || environment['KUBECONFIG'] || '';
  if (file === '' && isInPod(environment)) return await connectionOfPod(environment, deps);
  const connection = await connectionBy(file || join(homedir(), '.kube', 'config'), environment, deps);
  return file === '' || master === '' ? connection : { ...connection, server: serverOf(master) };
}

function isInPod({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: CommandIo['environment']) {
  return Boolean(host) && Boolean(port);
}

async function connectionBy(
  file: string,
  environment: CommandIo['environment'],
  deps: KubeConnectionDeps,
): Promise<KubeConnection> {
  // The text is that of the Go program, which landscapes know.
  if (!existsSync(file)) throw flagError(`stat ${file}: no such file or directory`);
  return await connectionOfFile({ file, context: undefined, environment }, deps);
}

/** Reads an address with or without a scheme. */
function serverOf(master: string): string {
  const url = /^https?:\/\//.test(master) ? master : `https://${master}`;
  if (!URL.canParse(url))
    throw flagError(`--master: expected an address of an API server, found "${master}"`);
  return url.replace(/\/+$/, '');
}
