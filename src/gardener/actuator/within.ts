import { isLarderError, LarderError } from '../../kit/errors.ts';
import { serverText } from '../server-text.ts';

/** Runs a step, and puts `words` in front of the text of its error, in the manner of Go. The error stays the cause, with its codes. */
export async function within<T>(words: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = isLarderError(cause) ? cause.code : 'INTERNAL';
    throw new LarderError(code, `${words}: ${serverText(cause)}`, { cause });
  }
}
