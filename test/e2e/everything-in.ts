import type { Kubectl } from '../cluster/kubectl.ts';

/** Objects that Kubernetes itself keeps in every namespace, and events, which expire. */
const OF_KUBERNETES = /^(event|configmap\/kube-root-ca\.crt$|serviceaccount\/default$)/;

/** Lists the objects of all kinds in a namespace, as `kind/name`. */
export async function everythingIn(kubectl: Kubectl, namespace: string): Promise<string[]> {
  const kinds = await kubectl('api-resources', '--namespaced', '--verbs=list', '--output=name');
  const found = await kubectl(
    'get',
    kinds.trim().split('\n').join(','),
    `--namespace=${namespace}`,
    '--ignore-not-found',
    '--output=name',
  );
  return found.split('\n').filter((name) => name !== '' && !OF_KUBERNETES.test(name));
}
