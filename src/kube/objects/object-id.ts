import type { ObjectKey, Resource } from '../types.ts';

/** One object of one kind, as a key of maps. */
export function objectId({ group, plural }: Resource, { namespace = '', name }: ObjectKey): string {
  return `${plural}.${group}/${namespace}/${name}`;
}
