import { LarderError } from '../../kit/errors.ts';

/** Runs `work`, which turns flags into settings. Its error becomes `USAGE` with the prefix of the Go programs. */
export async function completed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { message } = error as Error;
    throw new LarderError('USAGE', `error completing options: ${message}`, { cause: error });
  }
}
