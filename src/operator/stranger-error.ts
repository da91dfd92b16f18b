import { LarderError } from '../kit/errors.ts';
import type { KubeObject } from '../kube/types.ts';

/** An object of a name that is to be ours, made by somebody else: it is left alone, and what depends on it cannot be had. */
export function strangerError({ kind, metadata: { namespace, name } }: KubeObject): LarderError {
  return new LarderError(
    'KUBE_API',
    `${kind} ${namespace}/${name} exists and was not made by Larder, so it is left alone`,
    { hint: 'remove or rename it' },
  );
}
