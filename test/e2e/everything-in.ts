import type { Kubectl } from '../cluster/kubectl.ts';

/** What Kubernetes itself keeps in every namespace, and events, which end by themselves. */
const NOBODYS = /^(event|configmap\/kube-root-ca\.crt$|serviceaccount\/default$)/;

/** All objects of a namespace, of whatever kind, as `kind/name`. */
export async function everythingIn(kubectl: Kubectl, namespace: string): Promise<string[]> {
  const kinds = await kubectl('api-resources', '--namespaced', '--verbs=list', '--output=name');
  const found = await kubectl(
    'get',
    kinds.trim().split('\n').join(','),
    `--namespace=${namespace}`,
    '--ignore-not-found',
    '--output=name',
  );
  return found.split('\n').filter((name) => name !== '' && !NOBODYS.test(name));
}
