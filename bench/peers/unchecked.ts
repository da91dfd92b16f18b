import { cpSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../../test/kit/index.ts';

/** Changed build of Larder. Disposing removes it. */
export interface Build extends Disposable {
  readonly executable: string;
}

/** Replacement of `CheckedFile` that reads stored content without checking it. */
const CHECKED_FILE = `
import { readAt } from '../files/disk.js';
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

/** Replacement of the chunk sums that sums nothing. */
const CHUNK_SUMS = `
export const CHUNK_BYTES = 65536;
export class ChunkSummer {
  length = 0;
  update(pieces) {
    for (const piece of pieces) this.length += piece.length;
    return [];
  }
  get complete() {
    return Math.floor(this.length / CHUNK_BYTES);
  }
  sumAt() {
    return 0n;
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

const REPLACED = { 'checked-file.js': CHECKED_FILE, 'chunk-sums.js': CHUNK_SUMS };

/** Copies the current build and removes the sums of chunks, and the checks of stored bytes against them. */
export function uncheckedBuild(): Build {
  const root = join(import.meta.dirname, '../..');
  const directory = tempDir();
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, name), join(directory.path, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(directory.path, 'node_modules'));
  for (const [name, text] of Object.entries(REPLACED)) {
    const file = join(directory.path, 'dist/store/sums', name);
    if (!existsSync(file)) throw new Error(`the build has no ${file} to replace`);
    writeFileSync(file, text);
  }
  return {
    executable: join(directory.path, 'bin/larder'),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
