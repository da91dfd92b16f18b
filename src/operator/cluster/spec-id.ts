import type { KubeObject } from '../../kube/types.ts';

/** Names one spec of one object: what was done for it is not what is asked for now when this is another. */
export type SpecId = string;

export function specId({ metadata: { uid = '', generation = 0 } }: Pick<KubeObject, 'metadata'>): SpecId {
  return `${uid}/${generation}`;
}
