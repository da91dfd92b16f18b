import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import { watchFiles } from '../../kit/watch-files.ts';
import type { Tls } from './registry-listener.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Reads certificate and key, and checks that they match. Throws `TLS_FILES_INVALID`. */
export async function readTls(files: TlsFiles): Promise<Tls> {
  // Sequential, so that of two missing files always the certificate is named.
  const cert = await readTlsFile(files.cert, 'TLS certificate (--tls-cert)');
  const key = await readTlsFile(files.key, 'TLS key (--tls-key)');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new LarderError(
      'TLS_FILES_INVALID',
      `${files.cert} and ${files.key} are not a matching PEM certificate and key: ${errorText(error)}`,
      { cause: error },
    );
  }
  return { cert, key };
}

/** Applies changed files to new connections. Unusable files are refused, and the previous certificate stays in force. */
export function watchTls(
  files: TlsFiles,
  asRead: string,
  server: Server,
  deps: { tasks: TaskGroup; clock: Clock; logger: Logger },
): void {
  const { tasks, clock, logger } = deps;
  tasks.run('watch TLS files', (signal) =>
    watchFiles([files.cert, files.key], clock, signal, reload, asRead),
  );

  async function reload(): Promise<void> {
    try {
      server.setSecureContext(await readTls(files));
      logger.info('TLS certificate applied', { event: 'tls-applied' });
    } catch (error) {
      logger.error('changed TLS files refused; the previous certificate stays in force', {
        error: errorText(error),
      });
    }
  }
}

async function readTlsFile(file: string, name: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new LarderError('TLS_FILES_INVALID', `${name} ${file} cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
}
