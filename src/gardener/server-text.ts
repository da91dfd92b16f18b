import { errorText, isLarderError, LarderError } from '../kit/errors.ts';
import { isKubeError } from '../kube/kube-error.ts';

/**
 * Text of an error as Go programs have it: for a refused call the server's own words, for a failed system call its name, path and reason, and
 * otherwise the message without a code.
 */
export function serverText(error: unknown): string {
  if (isKubeError(error)) return error.serverMessage ?? error.message;
  if (isLarderError(error)) return error.message;
  return (error instanceof Error && systemCallText(error)) || errorText(error);
}

/** The error with words in front of its text. Code and advice stay. */
export function withWords(words: string, cause: unknown): LarderError {
  const { code = 'INTERNAL', hint } = isLarderError(cause) ? cause : {};
  return new LarderError(code, `${words}: ${serverText(cause)}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}

/** `open /x: no such file or directory`, from the `ENOENT: no such file or directory, open '/x'` of Node.js. */
function systemCallText({ message, syscall, path }: NodeJS.ErrnoException): string | undefined {
  const reason = /^E[A-Z0-9]+: ([^,]+), /.exec(message)?.[1];
  if (reason === undefined || syscall === undefined || path === undefined) return undefined;
  return `${syscall} ${path}: ${reason}`;
}
