/** A registry for tests of fills. The test decides the treatment of each request. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/kit/clock.ts';
import { LarderError, type ErrorCode } from '../../src/kit/errors.ts';
import { contentRange } from '../../src/oci/range.ts';
import type { UpstreamRequest } from '../../src/upstream/types.ts';
import { fakeUpstream, type FakeAnswer, type FakeUpstream } from './fake-upstream.ts';

export const KIB = 1024;

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits of less than 10 s take one turn of the event loop; longer ones, which stand for idle readers, never end. */
export const hastyClock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(ms, callback) {
    if (ms >= 10_000) return () => {};
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

/** Bytes that differ at every offset in question. */
export function contentOf(size: number, seed = 1): Buffer {
  const block = createHash('shake256', { outputLength: 4099 }).update(String(seed)).digest();
  const content = Buffer.alloc(size, block);
  for (let at = 0; at + 4 <= size; at += 4099) content.writeUInt32LE(at, at);
  return content;
}

/** Treatment of one request. */
export interface Attempt {
  /** Ends the body after this many bytes. Undefined: after the whole body. */
  readonly cutAfter?: number | undefined;
  readonly chunk?: number;
  /** Turns of the event loop between two chunks. */
  readonly pause?: number;
  readonly ignoresRange?: boolean;
  readonly hidesLength?: boolean;
  readonly refuses?: ErrorCode | undefined;
  /** Absolute offset of a byte that is sent wrong. */
  readonly flips?: number | undefined;
}

export interface Registry {
  readonly client: FakeUpstream;
  /** Bytes handed out, by request. */
  readonly sent: number[];
}

/** A registry that has `content`: request `n` is treated as `attempts[n]` says, later requests without a fault. */
export function registry(content: Buffer, attempts: readonly Attempt[] = []): Registry {
  const sent: number[] = [];
  const client = fakeUpstream((request, count) => {
    const attempt = attempts[count - 1] ?? {};
    sent.push(0);
    if (attempt.refuses !== undefined) throw new LarderError(attempt.refuses, 'no');
    return answer(request, attempt, (bytes) => {
      sent[count - 1] = (sent[count - 1] ?? 0) + bytes;
    });
  });
  return { client, sent };

  function answer(request: UpstreamRequest, attempt: Attempt, note: (bytes: number) => void): FakeAnswer {
    const asked = attempt.ignoresRange === true ? undefined : request.range;
    const range = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? content.length, content.length) };
    const length = attempt.hidesLength === true ? {} : { contentLength: range.end - range.start };
    if (request.method === 'HEAD') return length;
    const body = bytes(range, attempt, note);
    if (asked === undefined) return { body, ...length };
    return {
      status: 206,
      headers: { 'content-range': contentRange(range, content.length) },
      body,
      ...length,
    };
  }

  async function* bytes(
    range: { start: number; end: number },
    attempt: Attempt,
    note: (bytes: number) => void,
  ): AsyncGenerator<Buffer> {
    const { chunk = 64 * KIB, pause = 0, cutAfter = Infinity, flips } = attempt;
    const end = Math.min(range.end, range.start + cutAfter);
    for (let at = range.start; at < end; at += chunk) {
      for (let count = 0; count < pause; count += 1) await turn();
      const piece = Buffer.from(content.subarray(at, Math.min(at + chunk, end)));
      if (flips !== undefined && flips >= at && flips < at + piece.length)
        piece[flips - at] = (piece[flips - at] ?? 0) ^ 1;
      note(piece.length);
      yield piece;
    }
    if (end < range.end) throw new LarderError('UPSTREAM_UNREACHABLE', 'cut');
  }
}
