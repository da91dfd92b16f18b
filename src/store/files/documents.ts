import { open, mkdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from './disk.ts';
import type { Documents } from '../types.ts';

/** The documents of a store: one file each in `folder`, which is made with the first one. */
export function createDocuments(folder: string): Documents {
  let count = 0;

  return {
    async readDocument(name) {
      try {
        return await readFile(join(folder, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw diskError(`read its document ${name}`, error);
      }
    },

    async writeDocument(name, content) {
      const path = join(folder, name);
      // Two writers at once must not share a file: the one that renames last wins as a whole.
      const beginning = `${path}.${(count += 1)}.new`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // A crash may have left one of this name, with other permissions perhaps.
        await rm(beginning, { force: true });
        await writeSynced(await open(beginning, 'wx', 0o600), content);
        await rename(beginning, path);
      } catch (error) {
        await rm(beginning, { force: true }).catch(() => undefined);
        throw diskError(`write its document ${name}`, error);
      }
    },
  };
}

async function writeSynced(file: FileHandle, content: Buffer): Promise<void> {
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
}
