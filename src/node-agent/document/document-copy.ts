import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { formatNodeDocument, parseNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { replaceFile } from '../../kit/replace-file.ts';

/** The last good document on this node's disk, for an agent that starts while the API server does not answer. */
export interface DocumentCopy {
  /** Undefined when there is none that can be used. */
  read(): Promise<NodeDocument | undefined>;
  /** Writes it soon; the last one wins, and one that asks for nothing leaves no file. That it cannot be written is logged, and harms nothing else. */
  keep(document: NodeDocument): void;
  /** Resolves when what was to be kept is written. */
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
        // A file without a word is no document that says "nothing to do": it is none.
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

/** An agent without a copy does nothing, which is what such a document asks for. */
function isEmpty({ caches, mirrors }: NodeDocument): boolean {
  return caches.length === 0 && mirrors.length === 0;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
