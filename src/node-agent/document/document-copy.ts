import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { formatNodeDocument, parseNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { replaceFile } from '../../kit/replace-file.ts';

/** Copy of the last good document on the node's disk, for an agent that starts while the API server does not answer. */
export interface DocumentCopy {
  /** Undefined if there is no usable copy. */
  read(): Promise<NodeDocument | undefined>;
  /** Writes the copy soon; the last call wins. A document with nothing to do removes the file. Failures are only logged. */
  keep(document: NodeDocument): void;
  /** Resolves once everything is written. */
  settled(): Promise<void>;
}

export function createDocumentCopy(file: string, logger: Logger): DocumentCopy {
  let wanted: NodeDocument | undefined;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    while (wanted !== undefined) {
      const document = wanted;
      wanted = undefined;
      try {
        if (isEmpty(document)) await rm(file, { force: true });
        else {
          await mkdir(dirname(file), { recursive: true, mode: 0o700 });
          await replaceFile(file, formatNodeDocument(document), 0o600);
        }
      } catch (error) {
        logger.warn('cannot save the node document', { file, error: errorText(error) });
      }
    }
    writing = undefined;
  }

  return {
    async read() {
      try {
        const text = await readFile(file, 'utf8');
        // An empty file is no copy. It does not mean "nothing to do".
        return text.trim() === '' ? undefined : parseNodeDocument(text, file);
      } catch (error) {
        if (!isAbsent(error)) logger.warn('saved node document ignored', { file, error: errorText(error) });
        return undefined;
      }
    },
    keep(document) {
      wanted = document;
      writing ??= write();
    },
    settled: async () => await writing,
  };
}

/** Without a copy an agent does nothing, which is the same. */
function isEmpty({ caches, mirrors }: NodeDocument): boolean {
  return caches.length === 0 && mirrors.length === 0;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
