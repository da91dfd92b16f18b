import { readFileSync } from 'node:fs';
import { fileAt, ifAbsent } from '../files/entries.ts';

/** Bytes of the longest text of a link: a digest, and the end of its line. */
const LINK_BYTES = 200;

/** The text of a link; undefined if there is none, or if the file is too large for one. Throws if it cannot be read. */
export function linkTextAt(path: string): string | undefined {
  const file = fileAt(path);
  if (file === undefined || file.size > LINK_BYTES) return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    return ifAbsent(undefined)(error);
  }
}
