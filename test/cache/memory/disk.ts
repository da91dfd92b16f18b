/** The disk of a store in memory: counts open files and fails on demand. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let fileCount = 0;

export class MemoryDisk {
  /** Bytes that one spool may have; more is `STORE_FULL`. */
  spoolLimit = Infinity;
  /** False: no commit succeeds, not even of a verified body. */
  commits = true;
  /** Files that are not closed yet. */
  openFiles = 0;

  /** Opens a nameless file with `content`. */
  file(content: Buffer): number {
    const path = join(tmpdir(), `larder-test-${process.pid}-${(fileCount += 1)}.spool`);
    const fd = openSync(path, 'wx+');
    rmSync(path);
    if (content.length > 0) writeSync(fd, content, 0, content.length, 0);
    this.openFiles += 1;
    return fd;
  }

  closeFile(fd: number): void {
    closeSync(fd);
    this.openFiles -= 1;
  }
}
