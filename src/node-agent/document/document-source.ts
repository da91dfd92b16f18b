import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';

/** Source of the node document: a file, or the API server. */
export interface DocumentSource {
  /** The document if it is known without waiting. Throws `CONFIG_INVALID`. */
  read(): Promise<NodeDocument | undefined>;
  /** Calls `onChange` with each later valid document until `signal` aborts. Called once, after `read`. */
  watch(signal: AbortSignal, onChange: (document: NodeDocument) => void): Promise<void>;
}

/** Logs the problems of a changed document. Rethrows all other errors. */
export function logRefused(logger: Logger, error: unknown): void {
  if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
  logger.error('changed node document refused, the previous one stays in force', {
    event: 'document-refused',
    problems: error.message.split('\n'),
  });
}
