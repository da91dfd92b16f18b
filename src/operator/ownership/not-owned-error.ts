import { LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';

/** It is not watched. Who is told to remove it wants to see that it helps, and not in the quarter of an hour that failures may wait. */
export const NOT_OWNED_RETRY_MS = 5_000;

/** Somebody else has made an object of a name that is needed. It is left alone. */
export class NotOwnedError extends LarderError {
  constructor({ kind, metadata: { namespace, name } }: KubeObject) {
    super('KUBE_API', `${kind} ${namespace}/${name} exists and was not made by Larder, so it is left alone`, {
      hint: 'remove or rename it',
    });
  }
}
