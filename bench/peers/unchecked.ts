import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../../test/kit/index.ts';

/** Another build of Larder. Disposing removes it. */
export interface Build extends Disposable {
  readonly executable: string;
}

/** Reads stored content as the real one does, and checks nothing. */
const CHECKED_FILE = `
import { readAt } from './disk.js';
export class CheckedFile {
  constructor(deps, file, { digest, size, sums }) {
    Object.assign(this, { file, digest, size, sums });
  }
  async read(buffer, offset, end) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, end - offset));
    return bytes.subarray(0, await readAt(this.file.fd, bytes, offset));
  }
}
`;

/** Sums nothing. */
const CHUNK_SUMS = `
export const CHUNK_BYTES = 65536;
export class ChunkSummer {
  length = 0;
  update(pieces) {
    for (const piece of pieces) this.length += piece.length;
    return [];
  }
  sums() {
    return new BigUint64Array(Math.ceil(this.length / CHUNK_BYTES));
  }
}
export const chunkStart = (offset) => offset - (offset % CHUNK_BYTES);
export const chunkEnd = (end) => Math.ceil(end / CHUNK_BYTES) * CHUNK_BYTES;
export const sumOf = () => 0n;
export const encodeSums = (sums) => new Uint8Array(sums.length * 8);
export const decodeSums = (bytes) => new BigUint64Array(bytes.length / 8);
`;

/** The present build without the checks of stored bytes, and without the sums that they are made against. */
export function uncheckedBuild(): Build {
  const root = join(import.meta.dirname, '../..');
  const directory = tempDir();
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, name), join(directory.path, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(directory.path, 'node_modules'));
  writeFileSync(join(directory.path, 'dist/store/checked-file.js'), CHECKED_FILE);
  writeFileSync(join(directory.path, 'dist/store/chunk-sums.js'), CHUNK_SUMS);
  return {
    executable: join(directory.path, 'bin/larder'),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
