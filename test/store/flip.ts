import { closeSync, fstatSync, futimesSync, openSync, readSync, writeSync } from 'node:fs';

/** Flips the lowest bit of the byte at `offset`; size, access and modification time of the file stay as they were. */
export function flip(path: string, offset: number): void {
  const fd = openSync(path, 'r+');
  try {
    const { atime, mtime } = fstatSync(fd);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, offset);
    writeSync(
      fd,
      byte.map((value) => value ^ 1),
      0,
      1,
      offset,
    );
    futimesSync(fd, atime, mtime);
  } finally {
    closeSync(fd);
  }
}
