import { errorText, isLarderError } from '../kit/errors.ts';
import { isKubeError } from '../kube/kube-error.ts';

/** Text of an error as Go programs have it: for a refused call the server's own words, otherwise the message without a code. */
export function serverText(error: unknown): string {
  if (isKubeError(error)) return error.serverMessage ?? error.message;
  return isLarderError(error) ? error.message : errorText(error);
}
