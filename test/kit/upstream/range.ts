/** Byte ranges of RFC 9110, section 14: one range is honoured, several are answered with the whole. */

/** Half open. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header for content of `size` bytes.
 *
 * @returns `whole` without a usable range (none, other units, several, bad syntax), `unsatisfiable` for 416.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '') return suffix(last, size);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

function suffix(last: string, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (last === '') return 'whole';
  const length = Math.min(Number(last), size);
  return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
}
