import { mkdirSync, renameSync } from 'node:fs';
import { rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Layout } from './layout.ts';

/** Removing files without stopping the loop: unlinking 1 GiB takes up to 0.4 s, a rename does not depend on the size. */
export interface Trash {
  /**
   * The file is out of its place when this returns, and off the disk when the promise resolves. A file that is not there
   * counts as removed. Rejects with the system's error.
   */
  remove(path: string): Promise<void>;
}

/** Files on their way out lie in `spool/` as `gone-N`; {@link isTrash} finds those that a crash has left. */
export function createTrash(layout: Layout): Trash {
  let count = 0;
  return {
    remove(path) {
      count += 1;
      const gone = join(layout.spool, `${PREFIX}${count}`);
      try {
        renameSync(path, gone);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Promise.resolve();
        return rm(path, { force: true });
      }
      return unlink(gone);
    },
  };
}

/** True for the name of a file in `spool/` that nobody wants any more. */
export function isTrash(name: string): boolean {
  return name.startsWith(PREFIX);
}

const PREFIX = 'gone-';

/** Renames, making the folder of the target when it is not there yet. */
export function moveSync(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  }
}
