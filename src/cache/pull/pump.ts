import { untilAborted } from '../../kit/abort.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { BufferLease, BufferPool } from './buffer-pool.ts';
import { bufferBytes, type ByteSink, type ByteSource } from './byte-source.ts';

/**
 * Copies `range` of `source`, up to its end, to `sink`. Reads the next piece from disk while the kernel takes the previous
 * one: two buffers reach memory speed (measured 2.5 GB/s against 0.8 with one). A slow sink holds its two buffers and nothing
 * else. Does not end the sink. Rejects with the source's failure, `CLIENT_GONE`, or the signal's reason.
 */
export async function pump(
  source: ByteSource,
  range: ByteRange,
  sink: ByteSink,
  pool: BufferPool,
  signal: AbortSignal,
): Promise<void> {
  let offset = range.start;
  let writing: Promise<void> | undefined;
  const leases: [BufferLease?, BufferLease?] = [];
  let turn: 0 | 1 = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const end = Math.min(range.end, source.size ?? Infinity);
      if (offset >= end) break;
      if (source.limit <= offset) {
        await source.grown(offset, signal);
        continue;
      }
      const lease = (leases[turn] ??= pool.lease(bufferBytes(source, offset, end)));
      const bytes = await source.read(lease.buffer, offset, end);
      offset += bytes.length;
      if (writing !== undefined) await untilAborted(writing, signal);
      writing = sink.write(bytes);
      // The next round awaits the rejection. Until then it must not count as unhandled.
      writing.catch(() => {});
      turn = turn === 0 ? 1 : 0;
    }
    if (writing !== undefined) await untilAborted(writing, signal);
    for (const lease of leases) lease?.release();
  } catch (error) {
    // A caller that continues the body elsewhere must know which bytes were sent.
    if (writing !== undefined) await untilAborted(writing, signal).catch(() => {});
    for (const lease of leases) lease?.abandon();
    throw error;
  }
}
