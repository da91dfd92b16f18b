import type { Kubectl } from '../cluster/kubectl.ts';

const LOG_LINES = 40;
const EVERYTHING_OF_LARDER = 'pods,statefulsets,services,endpointslices,persistentvolumeclaims,leases';

/** Collects the first things to look at after a failure: objects, their status, events and the ends of all logs. */
export async function diagnosis(kubectl: Kubectl, namespace: string): Promise<string> {
  const inNamespace = `--namespace=${namespace}`;
  const looks: (readonly string[])[] = [
    ['get', EVERYTHING_OF_LARDER, inNamespace, '--output=wide'],
    ['get', 'registryconfigs', '--all-namespaces', '--output=yaml'],
    ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp'],
    ['get', 'configmap', 'larder-nodes', inNamespace, '--output=yaml'],
  ];
  const pods = await kubectl('get', 'pods', inNamespace, '--output=name').catch(() => '');
  for (const pod of pods.split('\n').filter((name) => name !== ''))
    looks.push(
      ['logs', pod, inNamespace, `--tail=${LOG_LINES}`],
      ['logs', '--previous', pod, inNamespace, '--tail=10'],
    );
  const seen: string[] = [];
  for (const look of looks)
    seen.push(
      `$ kubectl ${look.join(' ')}\n${await kubectl(...look).catch((error: unknown) => String(error))}`,
    );
  return seen.join('\n');
}
