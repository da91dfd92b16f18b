import { chunkEnd, chunkStart } from '../../store/sums/chunk-sums.ts';
import type { OpenContent } from '../../store/types.ts';

/** Bytes that can be read at any offset below a limit that may still grow: a stored blob, or the spool of a running fill. */
export interface ByteSource {
  /** Bytes that may be given out now. */
  readonly limit: number;
  /** The end of the body; undefined while nobody knows it. */
  readonly size: number | undefined;
  /** Resolves once `limit` is above `offset` or the body has ended; rejects with the fill's failure, or the signal's reason. */
  grown(offset: number, signal: AbortSignal): Promise<void>;
  /**
   * Reads into `buffer`, which holds at least {@link bufferBytes}; gives the part of it that begins with the byte at `offset`: at least
   * one byte, none behind `end` or `limit`.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
}

/** How large a buffer may be for reading from `offset` to `end` in one piece: whole chunks of stored content, as they are checked whole. */
export function bufferBytes(source: ByteSource, offset: number, end: number): number {
  return Math.min(chunkEnd(end), source.size ?? Infinity) - chunkStart(offset);
}

/** Stored content: all of it is there. */
export function storedSource(content: OpenContent): ByteSource {
  return {
    limit: content.size,
    size: content.size,
    grown: () => Promise.resolve(),
    read: (buffer, offset, end) => content.read(buffer, offset, end),
  };
}

/** Where a body goes. `write` resolves when the kernel has the bytes, so that the buffer may be used again. */
export interface ByteSink {
  write(chunk: Buffer): Promise<void>;
}
