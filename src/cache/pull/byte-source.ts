import { chunkEnd, chunkStart } from '../../store/sums/chunk-sums.ts';
import type { OpenContent } from '../../store/types.ts';

/** A stored blob, or the spool of a running fill: readable at any offset below a limit that may still grow. */
export interface ByteSource {
  /** Number of bytes that may be given out. */
  readonly limit: number;
  /** Size of the body; undefined while unknown. */
  readonly size: number | undefined;
  /**
   * Resolves once `limit` is above `offset` or the body has ended; rejects with the fill's failure, or the signal's
   * reason.
   */
  grown(offset: number, signal: AbortSignal): Promise<void>;
  /**
   * Reads into `buffer`, which has at least {@link bufferBytes}. Returns the part of it that begins with the byte at
   * `offset`: at least one byte, none beyond `end` or `limit`.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
}

/**
 * Buffer size for reading from `offset` to `end` in one piece. Stored content is checked by whole chunks, so it is read by
 * whole chunks.
 */
export function bufferBytes(source: ByteSource, offset: number, end: number): number {
  return Math.min(chunkEnd(end), source.size ?? Infinity) - chunkStart(offset);
}

/** Makes a source of stored content, which is complete. */
export function storedSource(content: OpenContent): ByteSource {
  return {
    limit: content.size,
    size: content.size,
    grown: () => Promise.resolve(),
    read: (buffer, offset, end) => content.read(buffer, offset, end),
  };
}

/** Destination of a body. `write` resolves once the kernel has the bytes: the buffer may then be reused. */
export interface ByteSink {
  write(chunk: Buffer): Promise<void>;
}
