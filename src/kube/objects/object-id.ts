import type { ObjectKey, Resource } from '../types.ts';

/** Map key of one object of one kind. */
export function objectId({ group, plural }: Resource, { namespace = '', name }: ObjectKey): string {
  return `${plural}.${group}/${namespace}/${name}`;
}
