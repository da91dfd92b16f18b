import type { KubeObject } from '../../kube/types.ts';

/** Identifies one generation of the spec of one object. Results of an older generation have another id. */
export type SpecId = string;

export function specId({ metadata: { uid = '', generation = 0 } }: Pick<KubeObject, 'metadata'>): SpecId {
  return `${uid}/${generation}`;
}
