import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { errorText, LarderError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { TaskGroup } from '../task-group.ts';
import { fileFingerprint, watchFiles } from '../watch-files.ts';

/** Longest token in characters, far above any in use. */
const TOKEN_LIMIT = 4096;

/** Reads the admin token: one line, without blanks. Throws `ADMIN_TOKEN_INVALID`, without any of the file's text. */
export async function readAdminToken(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(file, `cannot be read: ${errorText(error)}`);
  }
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= TOKEN_LIMIT) return token;
  throw invalid(
    file,
    `expected one line of at most ${TOKEN_LIMIT} visible ASCII characters, found ${found(token)}`,
  );
}

function found(token: string): string {
  if (token === '') return 'nothing';
  return token.length > TOKEN_LIMIT ? `${token.length} characters` : 'blanks, line ends or other characters';
}

function invalid(file: string, what: string): LarderError {
  return new LarderError('ADMIN_TOKEN_INVALID', `--admin-token-file ${file}: ${what}`, {
    hint: 'it is the token that larder serve and its commands share; make one with: openssl rand -hex 32',
  });
}

/**
 * Returns a function that gives the token of a file. Reads the file again when it changes; an unusable change is logged, and the previous
 * token stays. Throws as {@link readAdminToken} if the first reading fails.
 */
export async function openAdminToken(
  file: string,
  { tasks, clock, logger }: { tasks: TaskGroup; clock: Clock; logger: Logger },
): Promise<() => string> {
  const asRead = await fileFingerprint([file]);
  let token = await readAdminToken(file);
  tasks.run('watch admin token', (signal) => watchFiles([file], clock, signal, reload, asRead));
  return () => token;

  async function reload(): Promise<void> {
    try {
      token = await readAdminToken(file);
      logger.info('admin token changed', { event: 'admin-token-applied' });
    } catch (error) {
      logger.error('changed admin token refused, the old one stays in force', { error: errorText(error) });
    }
  }
}
