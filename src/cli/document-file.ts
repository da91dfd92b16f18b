import { errorText, LarderError } from '../kit/errors.ts';
import type { CommandIo } from './command.ts';

/** Reads the text of a file; `-` is standard input. Throws `CONFIG_INVALID` with the file and the reason. */
export async function readDocumentFile(file: string, io: Pick<CommandIo, 'readInput'>): Promise<string> {
  if (file !== '-') return (await import('../cache/config-file.ts')).readConfigFile(file);
  try {
    return await io.readInput();
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `standard input cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
}
