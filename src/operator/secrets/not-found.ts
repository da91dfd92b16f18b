import type { ObjectKey } from '../../kube/types.ts';

/** That the Secret which `field` names does not exist, in the words of the Gardener extension. */
export function notFound({ namespace, name }: ObjectKey, field: string): string {
  return `failed to get secret ${namespace}/${name} for ${field} ${name}: secrets "${name}" not found`;
}
