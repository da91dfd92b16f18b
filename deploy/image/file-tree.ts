import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TarEntry } from './tar.ts';

/** Lists files and links below `root` with their modes. `wanted` gets the path relative to `root`. Directories are not listed. */
export function filesBelow(root: string, wanted: (path: string) => boolean): TarEntry[] {
  return readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((found): TarEntry[] => {
    const path = join(found.parentPath, found.name);
    const name = path.slice(root.length + 1);
    if (found.isDirectory() || !wanted(name)) return [];
    if (found.isSymbolicLink()) return [{ name, mode: 0o777, linkTo: readlinkSync(path) }];
    return [{ name, mode: statSync(path).mode & 0o777, content: readFileSync(path) }];
  });
}

/** Writes files and links below `root`. None of them may exist yet. */
export function writeBelow(root: string, entries: readonly TarEntry[]): void {
  for (const { name, mode = 0o644, content = new Uint8Array(), linkTo } of entries) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (linkTo === undefined) writeFileSync(path, content, { mode });
    else symlinkSync(linkTo, path);
  }
}
