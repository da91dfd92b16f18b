import type { OpenContent } from '../../store/types.ts';

/** Bytes that can be read at any offset below a limit that may still grow: a stored blob, or the spool of a running fill. */
export interface ByteSource {
  readonly fd: number;
  /** Bytes that may be given out now. */
  readonly limit: number;
  /** The end of the body; undefined while nobody knows it. */
  readonly size: number | undefined;
  /** Resolves once `limit` is above `offset` or the body has ended; rejects with the fill's failure, or the signal's reason. */
  grown(offset: number, signal: AbortSignal): Promise<void>;
}

/** Stored content: all of it is there. */
export function storedSource(content: OpenContent): ByteSource {
  return {
    fd: content.fd,
    limit: content.size,
    size: content.size,
    grown: () => Promise.resolve(),
  };
}

/** Where a body goes. `write` resolves when the kernel has the bytes, so that the buffer may be used again. */
export interface ByteSink {
  write(chunk: Buffer): Promise<void>;
}
