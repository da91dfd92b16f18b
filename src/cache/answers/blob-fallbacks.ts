import { sleep, type Clock } from '../../kit/clock.ts';
import { createDigestHash, type Digest } from '../../oci/digest.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { Target } from '../access/target.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/registry-exchange.ts';
import type { BufferPool } from '../pull/buffer-pool.ts';
import { BODY_END, directBody, openDirect } from '../pull/direct-body.ts';
import type { Fill } from '../pull/fill.ts';
import { pump } from '../pull/pump.ts';
import { verifiedBody } from '../pull/verified-body.ts';
import { beginBlob, beginUnsizedBlob, blobHeaders, unsent } from './blob-head.ts';

/** A range that its fill would reach later than this is fetched by itself (docs/laws.md, "One body"). */
const RANGE_WAIT_MS = 20_000;

/** Such a range is fetched in pieces of this size. Before each piece the fill is looked at again. */
const RANGE_PIECE_BYTES = 16 * 1024 * 1024;

/** Answers with bytes that come straight from the upstream, where store or fill do not help. */
export interface BlobFallbacks {
  /** Sends the pieces of a range that the fill would reach too late. Returns the offset from which the fill takes over. */
  passFarRange(exchange: RegistryExchange, target: Target, fill: Fill, range: ByteRange): Promise<number>;
  /** Goes on after the disk was full in the middle of a fill: sends what the fill has written, and the rest from the upstream. */
  goOnWithoutStore(exchange: RegistryExchange, target: Target, fill: Fill, range: ByteRange): Promise<void>;
  /**
   * Gives a whole answer without storing it: there is no room, or the blob is larger than the budget. `claimed` is the upstream's
   * answer to a fill that could not be stored. `detail`: the reason, for the client.
   */
  answerWithoutStore(
    exchange: RegistryExchange,
    target: Target,
    digest: Digest,
    claimed: UpstreamResponse | undefined,
    detail: 'STORE_FULL' | 'STORE_HANDED_BACK',
  ): Promise<void>;
}

export interface BlobFallbackDeps {
  readonly clock: Clock;
  readonly pool: BufferPool;
}

export function createBlobFallbacks({ clock, pool }: BlobFallbackDeps): BlobFallbacks {
  return {
    async passFarRange(exchange, target, fill, range) {
      const { signal } = exchange;
      const deadline = clock.monotonic() + RANGE_WAIT_MS;
      let offset = range.start;
      while (offset < range.end && fill.limit <= offset && range.start > 0) {
        const tooFar =
          fill.estimateMs(offset) > RANGE_WAIT_MS ||
          (clock.monotonic() >= deadline && offset === range.start);
        if (tooFar) {
          const piece = { start: offset, end: Math.min(range.end, offset + RANGE_PIECE_BYTES) };
          await send(
            exchange,
            directBody({ target, digest: fill.digest, range: piece, kind: 'range', signal }),
          );
          offset = piece.end;
          exchange.bytesFrom = 'bypass';
        } else {
          await Promise.race([fill.grown(offset, signal), sleep(clock, 1000, signal)]);
        }
      }
      return offset;
    },

    async goOnWithoutStore(exchange, target, fill, range) {
      const { signal } = exchange;
      // Seen by log and metrics alone: the header that went out may say that the blob is stored.
      exchange.status = { kind: 'bypass', detail: 'STORE_FULL' };
      const sent = unsent(exchange, range).start;
      const written = Math.min(fill.limit, range.end);
      if (sent < written) await pump(fill, { start: sent, end: written }, exchange, pool, signal);
      const missing = Math.max(sent, written);
      const whole = range.start === 0 && range.end >= (fill.size ?? BODY_END);
      const hash = whole ? fill.forkHash() : undefined;
      // A whole body can still be verified: hashing goes on where the fill's hash ended, even if more was sent from a stored file.
      const rest = { start: hash === undefined ? missing : fill.limit, end: range.end };
      const body = directBody({ target, digest: fill.digest, range: rest, kind: 'blob', signal });
      await send(
        exchange,
        hash === undefined ? body : without(missing - rest.start, verifiedBody(body, fill.digest, hash)),
      );
    },

    async answerWithoutStore(exchange, target, digest, claimed, detail) {
      const { response, signal } = exchange;
      const { size, response: answer } =
        claimed === undefined
          ? await openDirect(target, digest, signal)
          : { size: claimed.contentLength, response: claimed };
      // Destroyed with the reason: a reader of the body would take any other error for a fault of the upstream.
      const abort = (): void => void answer.body.destroy(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      try {
        signal.throwIfAborted();
        exchange.bytesFrom = 'bypass';
        const status: CacheStatus = { kind: 'bypass', detail };
        const range =
          size === undefined
            ? beginUnsizedBlob(exchange, status, digest)
            : beginBlob(exchange, size, status, blobHeaders(digest));
        if (range === undefined) return;
        const full = range.start === 0 && (size === undefined || range.end === size);
        if (!full) answer.body.destroy();
        const body = directBody({
          target,
          digest,
          range,
          kind: full ? 'blob' : 'range',
          signal,
          response: full ? answer : undefined,
        });
        await send(exchange, full ? verifiedBody(body, digest, createDigestHash(digest)) : body);
        response.end();
      } finally {
        signal.removeEventListener('abort', abort);
        answer.body.destroy();
      }
    },
  };
}

async function send(exchange: RegistryExchange, body: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of body) await exchange.write(chunk);
}

/** Yields a body without its first `bytes`. */
async function* without(bytes: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
