/** Bytes `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Meaning of a `Range` header for a body of known size. */
export type RangeRequest = { kind: 'full' } | { kind: 'range'; range: ByteRange } | { kind: 'unsatisfiable' };

const FULL: RangeRequest = { kind: 'full' };
const UNSATISFIABLE: RangeRequest = { kind: 'unsatisfiable' };
const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * Reads a `Range` header for a body of `size` bytes (RFC 9110, section 14.1.2). One range is honoured. Several ranges, another unit, or a
 * malformed header mean the whole body, which the RFC allows. `bytes=0-` is a range, hence 206: clients that fetch in parallel rely on
 * that (containerd 2.1 and later).
 */
export function parseRange(header: string | undefined, size: number): RangeRequest {
  const match = header === undefined ? null : SINGLE.exec(header);
  if (match === null) return FULL;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return FULL;
    const suffix = Number(last);
    return suffix === 0 || size === 0
      ? UNSATISFIABLE
      : { kind: 'range', range: { start: Math.max(0, size - suffix), end: size } };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return FULL;
  if (start >= size) return UNSATISFIABLE;
  return { kind: 'range', range: { start, end } };
}

/** `Content-Range` of a 206 (RFC 9110, section 14.4). */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end - 1}/${size}`;
}

/** Reads the `Content-Range` of an upstream's 206; undefined for a missing or malformed header. */
export function parseContentRange(
  header: string | undefined,
): (ByteRange & { size: number | undefined }) | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  return end <= start ? undefined : { start, end, size: match[3] === '*' ? undefined : Number(match[3]) };
}
