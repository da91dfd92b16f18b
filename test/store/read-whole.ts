import type { OpenContent } from '../../src/store/types.ts';

/** Reads all bytes of stored content in pieces, as a reader with a small buffer does. Throws `STORE_DAMAGED`. */
export async function readWhole(content: Pick<OpenContent, 'size' | 'read'>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const buffer = Buffer.alloc(100_000);
  for (let at = 0; at < content.size;) {
    const piece = await content.read(buffer, at, content.size);
    pieces.push(Buffer.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}
