import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';

/** Where the document comes from: a file, or an object of the API server. */
export interface DocumentSource {
  /** The document as far as it can be told at once; undefined: nobody knows yet. Throws `CONFIG_INVALID`. */
  read(): Promise<NodeDocument | undefined>;
  /** Calls `onChange` with each later one that can be used, until `signal` aborts. To be called once, after `read`. */
  watch(signal: AbortSignal, onChange: (document: NodeDocument) => void): Promise<void>;
}

/** Says that a changed document has problems. Throws what is no problem of a document. */
export function logRefused(logger: Logger, error: unknown): void {
  if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
  logger.error('changed node document refused, the previous one stays in force', {
    event: 'document-refused',
    problems: error.message.split('\n'),
  });
}
