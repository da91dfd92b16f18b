/**
 * Test content of any size whose bytes are computed, never held: 256 MiB cost 2 MiB of memory.
 *
 * The bytes of a blob are views on one pseudo-random base of two tiles. Tile `k` of the content is the tile-sized window
 * that begins at `k * step` (modulo a tile) in that base, `step` being odd: the first million tiles all begin elsewhere,
 * so content from a wrong offset differs from the right one everywhere, not only in a checksum.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

export type DigestAlgorithm = 'sha256' | 'sha512';

/** Content that can be read from any offset. Offsets are half open: `[start, end)`. */
export interface TestBlob {
  /** `sha256:...`, computed at the first access and remembered. */
  readonly digest: string;
  readonly size: number;
  /** The bytes, copied. */
  read(start?: number, end?: number): Buffer;
  /** The bytes as views of at most `chunkBytes`, without copying. Do not change them. */
  chunks(start?: number, end?: number, chunkBytes?: number): Iterable<Buffer>;
  stream(start?: number, end?: number): Readable;
  /** True if `bytes` equals this content at `offset`. Compares about as fast as memory can be read. */
  matches(bytes: Uint8Array, offset: number): boolean;
}

/** A {@link TestBlob} whose bytes are computed from a seed. */
export type SyntheticBlob = TestBlob;

const TILE = 1 << 20;
const CHUNK = 256 * 1024;

/** `size` pseudo-random bytes that depend on nothing but `seed`. */
export function blobOf(size: number, seed = 1, algorithm: DigestAlgorithm = 'sha256'): SyntheticBlob {
  const key = createHash('sha256').update(`larder test blob ${seed}`).digest();
  const step = (key.readUInt32LE(16) % TILE) | 1;
  let base: Buffer | undefined;
  return blobFromTiles(size, algorithm, (tile) => {
    base ??= keystream(key.subarray(0, 16), size > TILE ? 2 * TILE : size);
    const begin = (tile * step) % TILE;
    return base.subarray(begin, begin + TILE);
  });
}

/** The given bytes (text is UTF-8) as a {@link TestBlob}. */
export function blobFrom(content: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): TestBlob {
  const bytes = typeof content === 'string' ? Buffer.from(content) : asBuffer(content);
  return blobFromTiles(bytes.length, algorithm, (tile) => bytes.subarray(tile * TILE, (tile + 1) * TILE));
}

/** `sha256:<hex>` (or sha512) of the bytes or the text. */
export function digestOf(content: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

function blobFromTiles(size: number, algorithm: DigestAlgorithm, tile: (index: number) => Buffer): TestBlob {
  let digest: string | undefined;

  function* chunks(start = 0, end = size, chunkBytes = CHUNK): Generator<Buffer> {
    for (let at = start; at < Math.min(end, size);) {
      const inTile = at % TILE;
      const length = Math.min(chunkBytes, TILE - inTile, Math.min(end, size) - at);
      yield tile(Math.floor(at / TILE)).subarray(inTile, inTile + length);
      at += length;
    }
  }

  return {
    size,
    chunks,
    get digest() {
      if (digest === undefined) {
        const hash = createHash(algorithm);
        for (const chunk of chunks()) hash.update(chunk);
        digest = `${algorithm}:${hash.digest('hex')}`;
      }
      return digest;
    },
    read: (start, end) => Buffer.concat([...chunks(start, end)]),
    stream: (start, end) => Readable.from(chunks(start, end), { objectMode: false }),
    matches(bytes, offset) {
      if (offset + bytes.length > size) return false;
      const found = asBuffer(bytes);
      let at = 0;
      for (const chunk of chunks(offset, offset + bytes.length, TILE)) {
        if (chunk.compare(found, at, at + chunk.length) !== 0) return false;
        at += chunk.length;
      }
      return true;
    },
  };
}

/** AES-128-CTR over zeros: over 1 GB/s, and a shorter stream is the beginning of a longer one. */
function keystream(key: Buffer, length: number): Buffer {
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
