import { open, mkdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from './disk.ts';
import type { Documents } from '../types.ts';

/** Keeps each document in a file of its own in `folder`, which is created with the first one. */
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
      // Concurrent writers must not share a file: the last one to rename wins as a whole.
      const written = `${path}.${(count += 1)}.new`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // A crash may have left a file of this name, perhaps with other permissions.
        await rm(written, { force: true });
        await writeSynced(await open(written, 'wx', 0o600), content);
        await rename(written, path);
      } catch (error) {
        await rm(written, { force: true }).catch(() => undefined);
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
