import { LarderError } from '../kit/errors.ts';
import type { KubeObject } from '../kube/types.ts';

/** Somebody else has made an object of a name that is needed. It is left alone. */
export class StrangerError extends LarderError {
  constructor({ kind, metadata: { namespace, name } }: KubeObject) {
    super('KUBE_API', `${kind} ${namespace}/${name} exists and was not made by Larder, so it is left alone`, {
      hint: 'remove or rename it',
    });
  }
}
