import type { z } from 'zod';
import { goList, goStruct, goText } from './go-fields.ts';

/** An entry of `spec.resources` of a Shoot: an object of its project that extensions may read. */
export type ShootResource = z.output<typeof RESOURCE>;

const RESOURCE = goStruct('ShootSpec.spec.resources of type v1beta1.NamedResourceReference', {
  name: goText('NamedResourceReference.spec.resources.name of type string'),
  resourceRef: goStruct(
    'NamedResourceReference.spec.resources.resourceRef of type v1.CrossVersionObjectReference',
    {
      kind: goText('CrossVersionObjectReference.spec.resources.resourceRef.kind of type string'),
      name: goText('CrossVersionObjectReference.spec.resources.resourceRef.name of type string'),
    },
  ),
});

/** Schema of the field. */
export const SHOOT_RESOURCES = goList(
  'ShootSpec.spec.resources of type []v1beta1.NamedResourceReference',
  RESOURCE,
);

/** The names of the Secrets that the entries lead to, by the names of the entries. Of several entries with one name the first counts. */
export function secretTargets(resources: readonly ShootResource[]): ReadonlyMap<string, string> {
  const first = new Map(resources.toReversed().map(({ name, resourceRef }) => [name, resourceRef]));
  const secrets = [...first].filter(([, { kind }]) => kind === 'Secret');
  return new Map(secrets.map(([name, resourceRef]) => [name, resourceRef.name]));
}

/** Reports a reference that leads nowhere, in the words of the Go extension. */
export function missingReferenceText(reference: string): string {
  return `failed to find referenced resource with name ${reference} and kind Secret`;
}
