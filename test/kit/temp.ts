/** Temporary directories that end with the scope that made them. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Every temporary directory made by this process begins with this, so that a leak check can find it. */
export const TEMP_PREFIX = `larder-test-${process.pid}-`;

export interface Directory {
  readonly path: string;
  /** Writes a file below the directory, by rename, so that a watcher never reads half of it. Gives its path. */
  write(name: string, content: string | Uint8Array): string;
}

export interface TempDir extends Directory, Disposable {}

/** Makes an empty directory below the system's temporary directory; disposing removes it with all it holds. */
export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), TEMP_PREFIX));
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.new`, content);
      renameSync(`${file}.new`, file);
      return file;
    },
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
