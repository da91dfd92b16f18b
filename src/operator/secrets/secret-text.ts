import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';

/** Decodes one entry of a Secret. Undefined if it does not exist. */
export function secretText(data: NonNullable<Secret['data']>, entry: string): string | undefined {
  const content = data[entry];
  return content === undefined ? undefined : Buffer.from(content, 'base64').toString('utf8');
}

/** Says that the Secret named by `field` does not exist, in the words of the Gardener extension. */
export function secretNotFound({ namespace, name }: ObjectKey, field: string): string {
  return `failed to get secret ${namespace}/${name} for ${field} ${name}: secrets "${name}" not found`;
}
