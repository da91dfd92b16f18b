import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { removeTree } from '../files/entries.ts';

/** The changes of the disk of which a hand-back consists. Each is done or not done after a crash; only a text may be incomplete. */
export interface HandBackFiles {
  exists(path: string): Promise<boolean>;
  /** Moves a file, and creates the folder of the target. */
  move(from: string, to: string): Promise<void>;
  /** Writes a text, and creates its folder. `at`: its modification time, in milliseconds since the epoch. */
  write(path: string, text: string, at?: number): Promise<void>;
  /** Writes a text that comes in pieces, creates its folder, and syncs it: a power cut must not leave a part of it after a move. */
  writePieces(path: string, pieces: AsyncIterable<string>): Promise<void>;
  /** Removes a file or folder, which need not exist. Very many files take minutes, which ends with the signal's reason. */
  remove(path: string, signal: AbortSignal): Promise<void>;
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
    await pipeline(pieces, createWriteStream(path, { flush: true }));
  },
  async remove(path, signal) {
    await unlink(path).catch(async () => {
      await removeTree(path, signal);
      // Gives the reason if something stays.
      await rm(path, { recursive: true, force: true });
    });
  },
};
