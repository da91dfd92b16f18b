import { LarderError } from '../../kit/errors.ts';
import { isKubeError } from '../../kube/kube-error.ts';

/** The shoot's API server does not answer, as while the shoot is hibernated. The call can be repeated quietly. */
export class ShootAwayError extends LarderError {
  constructor() {
    super('KUBE_UNREACHABLE', "the shoot's API server does not answer");
    this.name = 'ShootAwayError';
  }
}

/** Answers of a server in front of which, or behind which, something is away. */
const AWAY = [502, 503, 504];

/**
 * Calls the shoot. An error loses its text and its cause, which name objects of the shoot: the text of an Extension's error reaches the garden. `kind` says which
 * objects the call is about. Other errors than those of the API pass.
 */
export async function askShoot<T>(kind: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isKubeError(error)) throw error;
    const { httpStatus } = error;
    if (httpStatus === undefined || AWAY.includes(httpStatus)) throw new ShootAwayError();
    const message = `the shoot's API server refuses a call for ${kind} with status ${httpStatus}`;
    throw new LarderError('KUBE_API', message);
  }
}
