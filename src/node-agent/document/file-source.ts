import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { fileFingerprint, watchFiles } from '../../kit/watch-files.ts';
import { EMPTY_DOCUMENT, parseNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { logRefused, type DocumentSource } from './document-source.ts';

/**
 * The document in a file. A missing file is an error at the start. Later it was deleted, and there is nothing to do. A changed file with
 * problems is refused, and the last good document stays in force.
 */
export function createFileSource(file: string, clock: Clock, logger: Logger): DocumentSource {
  let asRead: string | undefined;
  return {
    async read() {
      asRead = await fileFingerprint([file]);
      return parseNodeDocument(await readText(file), file);
    },
    watch(signal, onChange) {
      return watchFiles([file], clock, signal, reload, asRead);

      async function reload(): Promise<void> {
        try {
          onChange(await readAgain());
        } catch (error) {
          logRefused(logger, error);
        }
      }

      async function readAgain(): Promise<NodeDocument> {
        if ((await fileFingerprint([file])) === 'absent') return EMPTY_DOCUMENT;
        return parseNodeDocument(await readText(file), file);
      }
    },
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `${file}: cannot be read: ${errorText(error)}`, { cause: error });
  }
}
