import { fdatasync, ftruncate, mkdirSync, open, read, renameSync, writev } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { LarderError, errorText } from '../../kit/errors.ts';

/** Callback functions as promises, without the `FileHandle` objects of `fs/promises`, which close when they are collected. */
export const openFile = promisify(open);
export const syncData = promisify(fdatasync);
export const truncate = promisify(ftruncate);

/** Fills `buffer` from `position`. Returns the number of bytes, which is smaller than the buffer only at the end of the file. */
export function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      read(fd, buffer, done, buffer.length - done, position + done, (error, count) => {
        if (error !== null) reject(error);
        else if (count === 0 || done + count === buffer.length) resolve(done + count);
        else next(done + count);
      });
    };
    next(0);
  });
}

/** One `writev` takes at most this many buffers (IOV_MAX of Linux and macOS). */
const IOV_LIMIT = 1024;

/** Writes all of `chunks` at `position`: one system call, unless the kernel takes only a part or there are more than 1024 chunks. */
export async function writeAll(fd: number, chunks: readonly Buffer[], position: number): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = await writeSome(fd, rest.slice(0, IOV_LIMIT), at);
    at += written;
    while (rest[0] !== undefined && written >= rest[0].length) {
      written -= rest[0].length;
      rest = rest.slice(1);
    }
    if (written > 0 && rest[0] !== undefined) rest = [rest[0].subarray(written), ...rest.slice(1)];
  }
}

function writeSome(fd: number, chunks: Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, chunks, position, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}

/** Renames, and creates the folder of the target if it does not exist yet. */
export function moveSync(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  }
}

/** True for "no space left" and "over quota". */
export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Wraps an error of the system as `STORE_FULL` or `STORE_UNAVAILABLE`. `doing` completes "the store cannot ...". */
export function diskError(doing: string, error: unknown): LarderError {
  const code = isDiskFull(error) ? 'STORE_FULL' : 'STORE_UNAVAILABLE';
  return new LarderError(code, `the store cannot ${doing}: ${errorText(error)}`, { cause: error });
}
