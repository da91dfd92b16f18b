import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The changes of the disk of which a hand-back consists. Each is done or not done after a crash; only a text may be incomplete. */
export interface HandBackFiles {
  exists(path: string): Promise<boolean>;
  /** Moves a file, and creates the folder of the target. */
  move(from: string, to: string): Promise<void>;
  /** Writes a text, and creates its folder. `at`: its modification time, in milliseconds since the epoch. */
  write(path: string, text: string, at?: number): Promise<void>;
  /** Writes a text that comes in pieces, and creates its folder. */
  writePieces(path: string, pieces: AsyncIterable<string>): Promise<void>;
  /** Removes a file or folder, which need not exist. */
  remove(path: string): Promise<void>;
}

export const handBackFiles: HandBackFiles = {
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  async move(from, to) {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  },
  async write(path, text, at) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (at !== undefined) await utimes(path, at / 1000, at / 1000);
  },
  async writePieces(path, pieces) {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(pieces, createWriteStream(path));
  },
  async remove(path) {
    // Folders take a walk.
    await unlink(path).catch(() => rm(path, { recursive: true, force: true }));
  },
};
