import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Files that decide what is built into `.parts`: the list of parts, and how Go builds one. */
const FILES = ['parts.ts', 'install-go.ts', 'go-mod.ts'];

/** A key for a kept `.parts`: 16 hex digits that change with the list of parts, the way they are built, and the kind of machine. */
export function cacheKey(
  read: (file: string) => string = readBeside,
  machine = `${process.platform}-${process.arch}`,
): string {
  const hash = createHash('sha256').update(machine);
  for (const file of FILES) hash.update(`\0${file}\0${read(file)}`);
  return hash.digest('hex').slice(0, 16);
}

function readBeside(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
