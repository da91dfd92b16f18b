import { LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';

/**
 * Retry interval. The blocking object is not watched, and its removal should show soon, not after the back-off, which grows to a quarter of
 * an hour.
 */
export const NOT_OWNED_RETRY_MS = 5_000;

/** An object that Larder needs exists, but Larder did not create it. It is left alone. */
export class NotOwnedError extends LarderError {
  constructor({ kind, metadata: { namespace, name } }: KubeObject) {
    super('KUBE_API', `${kind} ${namespace}/${name} exists and was not made by Larder, so it is left alone`, {
      hint: 'remove or rename it',
    });
  }
}
