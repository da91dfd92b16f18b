import { closeSync, fstatSync, futimesSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * Flips the lowest bit of the byte at `offset`. Size, access and modification time of the file stay the same. Returns once the change time
 * differs, as it does for every change at least a tick of the kernel's clock after the last one.
 */
export function flip(path: string, offset: number): void {
  const fd = openSync(path, 'r+');
  try {
    const { atime, mtime, ctimeMs } = fstatSync(fd);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, offset);
    writeSync(
      fd,
      byte.map((value) => value ^ 1),
      0,
      1,
      offset,
    );
    do futimesSync(fd, atime, mtime);
    while (fstatSync(fd).ctimeMs === ctimeMs);
  } finally {
    closeSync(fd);
  }
}
