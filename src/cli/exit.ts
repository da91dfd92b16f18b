import { isLarderError, type ErrorCode } from '../kit/errors.ts';
import { createLogger } from '../kit/logger.ts';

/** Exit codes of every command, as in `docs/reference/cli.md`. */
export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, interrupted: 130 } as const;

const USAGE_CODES: readonly ErrorCode[] = ['USAGE', 'CONFIG_INVALID'];
const NOT_FOUND_CODES: readonly ErrorCode[] = ['NOT_STORED'];

/** Writes an error for the user, and gives the exit code. Only an unexpected error has a stack trace. */
export function reportFailure(error: unknown, write: (text: string) => void): number {
  if (!isLarderError(error)) {
    write(
      `larder: unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
  const hint = error.hint === undefined ? '' : `\n  ${error.hint}`;
  // A list of problems has no prefix: each line begins with its field path.
  write(error.code === 'CONFIG_INVALID' ? `${error.message}\n` : `larder: ${error.message}${hint}\n`);
  if (NOT_FOUND_CODES.includes(error.code)) return EXIT.notFound;
  return USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed;
}

/** Writes the error of a command line and the usage, as Go's cobra does, and gives the exit code of cobra (decision 0017). */
export function reportWrongFlag(error: unknown, usage: string, write: (text: string) => void): number {
  write(`Error: ${textOf(error)}\n${usage}\n`);
  return EXIT.failed;
}

/**
 * Logs the error that ended a program which stands in for one in Go, and gives the exit code of that program (decision 0017). Only an
 * unexpected error has a stack trace.
 */
export function reportGoFailure(
  error: unknown,
  write: (text: string) => void,
  format: 'json' | 'text',
): number {
  const stack = error instanceof Error && !isLarderError(error) ? { stack: error.stack } : {};
  const fields = { error: textOf(error), ...stack };
  createLogger({ level: 'error', format }, write).error('the program failed', fields);
  return EXIT.failed;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
