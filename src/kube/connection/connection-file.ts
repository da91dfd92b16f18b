import { readFile } from 'node:fs/promises';
import { errorText, LarderError } from '../../kit/errors.ts';

/** Reads a file that a connection needs. `what` names the field or the use. Throws `KUBE_CONNECTION_INVALID`. */
export async function readConnectionFile(file: string, what: string): Promise<string> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw new LarderError('KUBE_CONNECTION_INVALID', `${what}: ${file} cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
  if (content.trim() === '') throw new LarderError('KUBE_CONNECTION_INVALID', `${what}: ${file} is empty`);
  return content;
}

/** Age up to which a file is not read again. kubelet renews a token when a fifth of its life is left, and changes files within a minute. */
export const FILES_MAX_AGE_MS = 10_000;
