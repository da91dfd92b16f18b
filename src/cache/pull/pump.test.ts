import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { ftruncateSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { readFileAt } from '../../../test/cache/read-file.ts';
import { LarderError, isLarderError } from '../../kit/errors.ts';
import { createBufferPool, type BufferPool } from './buffer-pool.ts';
import type { ByteSink, ByteSource } from './byte-source.ts';
import { pump } from './pump.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A file that the test makes grow. */
class GrowingSource implements ByteSource {
  readonly fd: number;
  limit = 0;
  size: number | undefined;
  readonly #waiters = new Set<{ offset: number; settle: (error?: Error) => void }>();
  #ended = false;
  #failure: Error | undefined;

  constructor(fd: number, size: number | undefined) {
    this.fd = fd;
    this.size = size;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  grown(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = {
        offset,
        settle: (error?: Error) => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const onAbort = (): void => waiter.settle(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
      this.#waiters.add(waiter);
      this.#wake();
    });
  }

  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    const length = Math.min(buffer.length, this.limit - offset, end - offset);
    return readFileAt(this.fd, buffer.subarray(0, length), offset);
  }

  grow(bytes: Buffer): void {
    writeSync(this.fd, bytes, 0, bytes.length, this.limit);
    this.limit += bytes.length;
    this.#wake();
  }

  end(failure?: Error): void {
    this.#ended = true;
    this.#failure = failure;
    if (failure === undefined) this.size = this.limit;
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (this.limit > waiter.offset) waiter.settle();
      else if (this.#ended) waiter.settle(this.#failure);
    }
  }
}

/** Reads the bytes of each chunk only some turns later: a buffer that was reused too early shows. */
class SlowSink implements ByteSink {
  readonly taken: Buffer[] = [];
  writing = 0;
  readonly #delays: readonly number[];
  #count = 0;

  constructor(delays: readonly number[] = []) {
    this.#delays = delays;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.taken);
  }

  async write(chunk: Buffer): Promise<void> {
    assert.equal(this.writing, 0, 'a second write began before the first had ended');
    this.writing += 1;
    const delay = this.#delays[this.#count % this.#delays.length] ?? 0;
    this.#count += 1;
    for (let count = 0; count < delay; count += 1) await turn();
    this.taken.push(Buffer.from(chunk));
    this.writing -= 1;
  }
}

function smallPool(largeCount = 3): BufferPool {
  return createBufferPool({ largeBytes: 700, largeCount, largeIdle: 2, smallBytes: 90 });
}

function content(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

async function withFile(work: (fd: number) => Promise<void>): Promise<void> {
  const store = new MemoryStore();
  const fd = store.file(Buffer.alloc(0));
  try {
    await work(fd);
  } finally {
    store.closeFile(fd);
  }
}

test('whatever the growth of the source and the speed of the sink, the bytes are exact and every buffer comes back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 8 }),
      fc.array(fc.nat(3), { maxLength: 4 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
      fc.nat(4000),
      fc.nat(8000),
      fc.boolean(),
      fc.integer({ min: 0, max: 3 }),
      async (steps, pauses, delays, start, length, sized, largeCount) => {
        await withFile(async (fd) => {
          const whole = content(steps.reduce((sum, step) => sum + step, 0));
          const source = new GrowingSource(fd, sized ? whole.length : undefined);
          const sink = new SlowSink(delays);
          const pool = smallPool(largeCount);
          const { signal } = new AbortController();
          const pumping = pump(source, { start, end: start + length }, sink, pool, signal);
          for (const [index, step] of steps.entries()) {
            for (let count = pauses[index % pauses.length] ?? 0; count > 0; count -= 1) await turn();
            source.grow(whole.subarray(source.limit, source.limit + step));
            assert.ok(pool.lent <= Math.min(2, largeCount));
          }
          source.end();
          await pumping;
          assert.ok(sink.bytes.equals(whole.subarray(start, start + length)));
          assert.equal(pool.lent, 0);
          assert.equal(sink.writing, 0);
          assert.equal(getEventListeners(signal, 'abort').length, 0);
        });
      },
    ),
    { numRuns: 150 },
  );
});

test('an abort or a failure at any moment leaves a right beginning, nothing lent and no waiter', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3000),
      fc.nat(12),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (grown, moment, delays, aborts) => {
        await withFile(async (fd) => {
          const whole = content(6000);
          const source = new GrowingSource(fd, whole.length);
          const sink = new SlowSink(delays);
          const pool = smallPool();
          const controller = new AbortController();
          const pumping = pump(source, { start: 0, end: whole.length }, sink, pool, controller.signal);
          const outcome = assert.rejects(pumping, (error) =>
            isLarderError(error, aborts ? 'CLIENT_GONE' : 'UPSTREAM_TIMEOUT'),
          );
          source.grow(whole.subarray(0, grown));
          for (let count = 0; count < moment; count += 1) await turn();
          if (aborts) controller.abort(new LarderError('CLIENT_GONE', 'gone'));
          else source.end(new LarderError('UPSTREAM_TIMEOUT', 'silent'));
          await outcome;
          assert.equal(pool.lent, 0);
          assert.equal(source.waiting, 0);
          const sentAtEnd = sink.bytes;
          assert.ok(sentAtEnd.equals(whole.subarray(0, sentAtEnd.length)));
          if (!aborts) assert.equal(sentAtEnd.length, grown, 'all that was there before the failure is sent');
          await turn();
          assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
        });
      },
    ),
    { numRuns: 150 },
  );
});

describe('a buffer whose bytes may still be in use', () => {
  test('is never lent again after an abort', async () => {
    await withFile(async (fd) => {
      const source = new GrowingSource(fd, 100);
      source.grow(content(100));
      const pool = smallPool();
      const controller = new AbortController();
      const chunks: Buffer[] = [];
      const stuck: ByteSink = { write: (chunk) => (chunks.push(chunk), new Promise(() => {})) };
      const pumping = pump(source, { start: 0, end: 100 }, stuck, pool, controller.signal);
      while (chunks.length === 0) await turn();
      controller.abort(new LarderError('CLIENT_GONE', 'gone'));
      await assert.rejects(pumping, LarderError);
      assert.equal(pool.lent, 0);
      for (let count = 0; count < 3; count += 1)
        assert.notEqual(pool.lease(5000).buffer.buffer, chunks[0]?.buffer);
    });
  });
});

test('a sink that fails ends the copying with its error', async () => {
  await withFile(async (fd) => {
    const source = new GrowingSource(fd, 5000);
    source.grow(content(5000));
    const pool = smallPool();
    const broken: ByteSink = { write: () => Promise.reject(new LarderError('CLIENT_GONE', 'gone')) };
    await assert.rejects(
      pump(source, { start: 0, end: 5000 }, broken, pool, new AbortController().signal),
      (error) => isLarderError(error, 'CLIENT_GONE'),
    );
    assert.equal(pool.lent, 0);
  });
});

test('a file that is shorter than it should be is STORE_UNAVAILABLE', async () => {
  await withFile(async (fd) => {
    const source = new GrowingSource(fd, 5000);
    source.grow(content(5000));
    ftruncateSync(fd, 1000);
    const sink = new SlowSink();
    const pumping = pump(source, { start: 0, end: 5000 }, sink, smallPool(), new AbortController().signal);
    await assert.rejects(
      pumping,
      (error) => isLarderError(error, 'STORE_UNAVAILABLE') && error.message.includes('1000'),
    );
    assert.equal(sink.bytes.length, 1000);
  });
});

test('an empty range reads and sends nothing', async () => {
  await withFile(async (fd) => {
    const source = new GrowingSource(fd, 0);
    const nothing: ByteSink = { write: () => assert.fail('nothing to write') };
    await pump(source, { start: 0, end: 0 }, nothing, smallPool(), new AbortController().signal);
  });
});
