import { isLarderError, type ErrorCode } from '../kit/errors.ts';

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
