import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fakeUpstream, type FakeAnswer, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { contentOf, hastyClock, KIB, registry, turn, type Attempt } from '../../../test/cache/registry.ts';
import { destinationOf, targetOf, requesterOf } from '../../../test/cache/target.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock, type Clock } from '../../kit/clock.ts';
import { LarderError, isLarderError, type ErrorCode } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { digestOf, type Digest } from '../../oci/digest.ts';
import { contentRange } from '../../oci/range.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import type { Target } from '../access/target.ts';
import { createBufferPool } from './buffer-pool.ts';
import { Fill } from './fill.ts';
import { pump } from './pump.ts';
import { Requesters } from './requesters.ts';

const MIB = 1024 * KIB;
const HOLD_BACK = 64 * KIB;

interface Running {
  readonly fill: Fill;
  readonly ended: Promise<void>;
  readonly stop: () => void;
}

function start(
  client: FakeUpstream,
  digest: Digest,
  {
    store = new MemoryStore(),
    clock = hastyClock,
    expectedSize,
  }: { store?: MemoryStore; clock?: Clock; expectedSize?: number | undefined } = {},
): Running {
  const controller = new AbortController();
  const fill = new Fill(
    { store, clock, logger: silentLogger },
    { requesters: new Requesters(targetOf(client)), digest, expectedSize },
  );
  const ended = fill.run(controller.signal);
  return { fill, ended, stop: () => controller.abort(new LarderError('SHUTTING_DOWN', 'stop')) };
}

interface Reading {
  readonly bytes: Buffer;
  /** Undefined: the reader reads to the end. */
  readonly failure: unknown;
}

/** Reads a range as an answer does. Undefined if the fill ended before the reader could join. */
async function read(
  fill: Fill,
  range = { start: 0, end: Number.MAX_SAFE_INTEGER },
  {
    pool = createBufferPool({ largeBytes: 5000, largeCount: 4, largeIdle: 2, smallBytes: 700 }),
    pause = 0,
    signal = new AbortController().signal,
  } = {},
): Promise<Reading | undefined> {
  const chunks: Buffer[] = [];
  let failure: unknown;
  try {
    await fill.opened;
    if (!fill.retain()) return undefined;
    const sink = {
      async write(chunk: Buffer): Promise<void> {
        for (let count = 0; count < pause; count += 1) await turn();
        chunks.push(Buffer.from(chunk));
      },
    };
    await pump(fill, range, sink, pool, signal).finally(() => fill.release());
  } catch (error) {
    failure = error;
  }
  return { bytes: Buffer.concat(chunks), failure };
}

describe('property: random cuts, pieces, sizes, and readers that come and go', () => {
  const attempt: fc.Arbitrary<Attempt> = fc.record({
    cutAfter: fc.option(fc.nat(120 * KIB), { nil: undefined }),
    chunk: fc.integer({ min: 2 * KIB, max: 70 * KIB }),
    pause: fc.nat(2),
    ignoresRange: fc.boolean(),
    hidesLength: fc.boolean(),
    refuses: fc.option(fc.constantFrom('UPSTREAM_5XX' as const, 'UPSTREAM_TIMEOUT' as const), {
      nil: undefined,
      freq: 5,
    }),
  });
  const reader = fc.record({
    joins: fc.nat(25),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.option(fc.nat(200 * KIB), { nil: undefined }),
    pause: fc.nat(2),
    leaves: fc.option(fc.nat(30), { nil: undefined }),
  });

  test('every reader gets its exact bytes or the failure; the upstream sends each byte once; nothing stays open', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 300 * KIB }),
        fc.array(attempt, { maxLength: 9 }),
        fc.array(reader, { maxLength: 6 }),
        fc.boolean(),
        async (size, attempts, readers, expected) => {
          const content = contentOf(size);
          const digest = digestOf(content);
          const { client, sent } = registry(content, attempts);
          const store = new MemoryStore();
          const pool = createBufferPool({ largeBytes: 5000, largeCount: 4, largeIdle: 2, smallBytes: 700 });
          const { fill, ended } = start(client, digest, { store, expectedSize: expected ? size : undefined });

          const readings = readers.map(async ({ joins, from, length, pause, leaves }) => {
            for (let count = 0; count < joins; count += 1) await turn();
            const range = {
              start: Math.floor(from * size),
              end: length === undefined ? size : Math.floor(from * size) + length,
            };
            const controller = new AbortController();
            const reading = read(fill, range, { pool, pause, signal: controller.signal });
            if (leaves !== undefined) {
              for (let count = 0; count < leaves; count += 1) await turn();
              controller.abort(new LarderError('CLIENT_GONE', 'gone'));
            }
            return { range, left: leaves !== undefined, reading: await reading };
          });
          await ended;
          for (const { range, left, reading } of await Promise.all(readings)) {
            if (reading === undefined) continue;
            const right = content.subarray(range.start, range.end);
            assert.ok(
              reading.bytes.equals(right.subarray(0, reading.bytes.length)),
              'a reader got wrong bytes',
            );
            if (reading.failure === undefined) assert.equal(reading.bytes.length, right.length);
            else
              assert.ok(
                (left && isLarderError(reading.failure, 'CLIENT_GONE')) || reading.failure === fill.failure,
              );
          }

          assertGaps(client, sent, attempts, size);
          const outcome = expectedOutcome(sent, attempts, size);
          assert.equal(isLarderError(fill.failure) ? fill.failure.code : fill.failure, outcome);
          assert.equal(store.bodies.has(digest), outcome === undefined);
          const left = store.left.get(`r.example ${digest}`);
          if (left !== undefined)
            assert.ok(outcome !== undefined && left.equals(content.subarray(0, left.length)));
          assert.equal(store.openFiles, 0);
          assert.equal(client.openBodies, 0);
          assert.equal(pool.lent, 0);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('no reader ever gets the whole of a wrong body, and nothing of it is kept', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 * KIB }),
        fc.array(
          attempt.map((plan) => ({
            ...plan,
            refuses: undefined,
            cutAfter: plan.cutAfter === undefined ? undefined : plan.cutAfter + 1,
          })),
          {
            maxLength: 4,
          },
        ),
        fc.array(reader, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (size, attempts, readers, position) => {
          const content = contentOf(size);
          const digest = digestOf(content);
          const flips = position % size;
          const { client } = registry(
            content,
            [...attempts, {}].map((plan) => ({ ...plan, flips })),
          );
          // Attempts beyond the list would be right.
          const store = new MemoryStore();
          const { fill, ended } = start(client, digest, { store });
          const readings = readers.map(async ({ joins, pause }) => {
            for (let count = 0; count < joins; count += 1) await turn();
            return read(fill, undefined, { pause });
          });
          await ended;
          assert.ok(isLarderError(fill.failure, 'UPSTREAM_DIGEST_MISMATCH'));
          for (const reading of await Promise.all(readings)) {
            if (reading === undefined) continue;
            assert.equal(reading.failure, fill.failure);
            assert.ok(reading.bytes.length <= Math.max(0, size - HOLD_BACK));
          }
          assert.equal(store.bodies.size + store.left.size, 0);
          assert.equal(store.openFiles, 0);
        },
      ),
      { numRuns: 80 },
    );
  });

  /** Each request asks for the missing bytes, up to the end if that is known, and no gap is asked for twice. */
  function assertGaps(
    client: FakeUpstream,
    sent: readonly number[],
    attempts: readonly Attempt[],
    size: number,
  ): void {
    let have = 0;
    for (const [index, request] of client.requests.entries()) {
      assert.equal(request.method, 'GET');
      assert.equal(request.path, `/v2/team/app/blobs/${client.requests[0]?.path.split('/').at(-1)}`);
      assert.equal(request.range?.start ?? 0, have);
      if (request.range?.end !== undefined) assert.equal(request.range.end, size);
      const whole = request.range === undefined || attempts[index]?.ignoresRange === true;
      have = whole ? Math.max(have, sent[index] ?? 0) : have + (sent[index] ?? 0);
    }
  }

  /** The first answer must come. After it, five attempts in a row without a byte end the fill. */
  function expectedOutcome(
    sent: readonly number[],
    attempts: readonly Attempt[],
    size: number,
  ): ErrorCode | undefined {
    let have = 0;
    let fruitless = 0;
    for (let index = 0; ; index += 1) {
      const plan = attempts[index] ?? {};
      if (plan.refuses !== undefined && index === 0) return plan.refuses;
      const whole = index === 0 || plan.ignoresRange === true || have === 0;
      const reached = whole ? Math.max(have, sent[index] ?? 0) : have + (sent[index] ?? 0);
      fruitless = reached > have ? 0 : fruitless + 1;
      have = reached;
      if (have === size && plan.refuses === undefined) return undefined;
      if (fruitless === 5) return plan.refuses ?? 'UPSTREAM_UNREACHABLE';
    }
  }
});

describe('what a reader sees of a running fill', () => {
  test('is everything but the last 64 KiB, until the digest is right', async () => {
    const content = contentOf(200 * KIB);
    const { promise: proven, resolve: prove } = Promise.withResolvers<void>();
    const client = fakeUpstream(() => ({
      contentLength: content.length,
      body: (async function* () {
        yield content;
        await proven;
      })(),
    }));
    const { fill, ended } = start(client, digestOf(content));
    const reading = read(fill);
    await waitFor(() => fill.limit > 0);
    assert.equal(fill.limit, content.length - HOLD_BACK);
    assert.equal(fill.size, content.length);
    prove();
    await ended;
    assert.equal(fill.limit, content.length);
    assert.ok((await reading)?.bytes.equals(content));
  });

  test('a small body is not begun before it is proven', async () => {
    const content = contentOf(64 * KIB);
    const { fill, ended } = start(registry(content, [{ flips: 5 }]).client, digestOf(content));
    const reading = await read(fill);
    await ended;
    assert.equal(reading?.bytes.length, 0);
    assert.ok(isLarderError(reading?.failure, 'UPSTREAM_DIGEST_MISMATCH'));
  });

  test('the size is that of the upstream, or of a manifest', async () => {
    const content = contentOf(100 * KIB);
    const said = start(registry(content).client, digestOf(content));
    await said.fill.opened;
    assert.equal(said.fill.size, content.length);
    const hidden = start(registry(content, [{ hidesLength: true }]).client, digestOf(content), {
      expectedSize: content.length,
    });
    await hidden.fill.opened;
    assert.equal(hidden.fill.size, content.length);
    await Promise.all([said.ended, hidden.ended]);
  });

  test('a waiting reader that leaves is forgotten at once', async () => {
    const content = contentOf(100 * KIB);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const client = fakeUpstream(() => ({ contentLength: content.length, body: hold(content, held) }));
    const { fill, ended } = start(client, digestOf(content));
    await fill.opened;
    const controller = new AbortController();
    const waiting = fill.grown(0, controller.signal);
    controller.abort(new LarderError('CLIENT_GONE', 'gone'));
    await assert.rejects(waiting, (error) => isLarderError(error, 'CLIENT_GONE'));
    release();
    await ended;
    await fill.grown(0, controller.signal);
  });
});

test('an upstream that cuts after a few bytes each time is asked ten times a second at most', async () => {
  const clock = new ManualClock();
  const content = contentOf(10);
  const { client } = registry(
    content,
    Array.from({ length: 9 }, () => ({ cutAfter: 1 })),
  );
  const { fill, ended } = start(client, digestOf(content), { clock });
  for (let count = 1; count < 10; count += 1) {
    await waitFor(() => clock.pending === 1);
    assert.equal(client.requests.length, count);
    clock.advance(100);
  }
  await ended;
  assert.equal(fill.failure, undefined);
});

describe('a fill that was interrupted', () => {
  test('leaves its bytes to the next one, which asks for the rest only', async () => {
    const content = contentOf(300 * KIB);
    const digest = digestOf(content);
    const store = new MemoryStore();
    const silent = fakeUpstream(() => ({
      contentLength: content.length,
      body: hold(content, new Promise(() => {}), 150 * KIB),
    }));
    const first = start(silent, digest, { store });
    await waitFor(() => first.fill.limit === 150 * KIB);
    first.stop();
    await first.ended;
    assert.ok(isLarderError(first.fill.failure, 'SHUTTING_DOWN'));
    assert.equal(store.left.get(`r.example ${digest}`)?.length, 150 * KIB);

    const { client, sent } = registry(content);
    const second = start(client, digest, { store, expectedSize: content.length });
    const reading = read(second.fill);
    await second.ended;
    assert.deepEqual(
      client.requests.map(({ range }) => range),
      [{ start: 150 * KIB, end: content.length }],
    );
    assert.deepEqual(sent, [150 * KIB]);
    assert.ok((await reading)?.bytes.equals(content));
    assert.equal(store.openFiles, 0);
  });

  test('and had every byte is finished with a HEAD, whose answer is not left open', async () => {
    const content = contentOf(100 * KIB);
    const digest = digestOf(content);
    const store = new MemoryStore();
    store.left.set(`r.example ${digest}`, content);
    const { client } = registry(content);
    const { fill, ended } = start(client, digest, { store });
    await ended;
    assert.equal(fill.failure, undefined);
    assert.deepEqual(
      client.requests.map(({ method }) => method),
      ['HEAD'],
    );
    assert.equal(client.openBodies, 0);
    assert.ok(store.bodies.has(digest));
  });

  test('and whose blob the upstream has no more is not given out', async () => {
    const content = contentOf(100 * KIB);
    const digest = digestOf(content);
    const store = new MemoryStore();
    store.left.set(`r.example ${digest}`, content);
    const { fill, ended } = start(
      fakeUpstream(() => ({ status: 404 })),
      digest,
      { store },
    );
    await assert.rejects(fill.opened, (error) => isLarderError(error, 'BLOB_UNKNOWN'));
    await ended;
    assert.equal(store.bodies.size, 0);
    assert.equal(store.openFiles, 0);
  });
});

describe('a fill without readers', () => {
  /** 40 MiB, of which 2 MiB have come. The rest comes on `release`. */
  async function large(): Promise<
    Running & { clock: ManualClock; store: MemoryStore; release: () => void; client: FakeUpstream }
  > {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const content = Buffer.alloc(40 * MIB, 3);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const client = fakeUpstream(() => ({
      contentLength: content.length,
      body: hold(content, held, 2 * MIB),
    }));
    const running = start(client, digestOf(content), { store, clock });
    await waitFor(() => running.fill.limit === 2 * MIB);
    return { ...running, clock, store, release, client };
  }

  test('stops 10 s after its last reader has left when most is missing, and keeps its bytes', async () => {
    const { fill, ended, clock, store, client } = await large();
    assert.equal(fill.retain(), true);
    clock.advance(60_000);
    assert.equal(fill.joinable, true);
    fill.release();
    clock.advance(9999);
    assert.equal(fill.joinable, true);
    clock.advance(1);
    assert.equal(fill.joinable, false);
    assert.equal(fill.retain(), false, 'a fill that stops takes no new reader');
    await ended;
    assert.equal([...store.left.values()][0]?.length, 2 * MIB);
    assert.equal(store.openFiles, 0);
    assert.equal(client.openBodies, 0);
    assert.equal(clock.pending, 0);
  });

  test('stops as well when its callers left before it opened', async () => {
    const { fill, ended, clock } = await large();
    clock.advance(10_000);
    assert.equal(fill.joinable, false);
    await ended;
    assert.ok(isLarderError(fill.failure, 'CLIENT_GONE'));
  });

  test('goes on when a new reader comes within the 10 s', async () => {
    const { fill, ended, clock, release } = await large();
    fill.retain();
    fill.release();
    clock.advance(5000);
    assert.equal(fill.retain(), true);
    clock.advance(60_000);
    release();
    await ended;
    assert.equal(fill.failure, undefined);
    fill.release();
  });

  test('goes on when finishing has become cheaper than starting over by the end of the 10 s', async () => {
    const { fill, ended, clock, release } = await large();
    release();
    await waitFor(() => fill.limit > 30 * MIB);
    clock.advance(10_000);
    await ended;
    assert.equal(fill.failure, undefined);
  });

  test('is finished when at most 16 MiB are missing', async () => {
    const clock = new ManualClock();
    const content = Buffer.alloc(16 * MIB, 3);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { fill, ended } = start(
      fakeUpstream(() => ({ contentLength: content.length, body: hold(content, held) })),
      digestOf(content),
      { clock },
    );
    await fill.opened;
    fill.retain();
    fill.release();
    assert.equal(clock.pending, 0);
    release();
    await ended;
    assert.equal(fill.failure, undefined);
  });
});

describe('a failure of the store', () => {
  test('no room for a body of known size: the upstream is not asked', async () => {
    const content = contentOf(100 * KIB);
    const store = new MemoryStore();
    store.spoolLimit = 1000;
    const { client } = registry(content);
    const { fill, ended } = start(client, digestOf(content), { store, expectedSize: content.length });
    await assert.rejects(fill.opened, (error) => isLarderError(error, 'STORE_FULL'));
    await ended;
    assert.equal(client.requests.length, 0);
  });

  test('no room for a body whose size came with the answer: one caller may claim the answer, an unclaimed one is destroyed', async () => {
    for (const claims of [true, false]) {
      const content = contentOf(100 * KIB);
      const store = new MemoryStore();
      store.spoolLimit = 1000;
      const { client } = registry(content);
      const { fill, ended } = start(client, digestOf(content), { store });
      await assert.rejects(fill.opened, (error) => isLarderError(error, 'STORE_FULL'));
      const claimed = claims ? fill.claim() : undefined;
      assert.equal(fill.claim() !== undefined, !claims);
      if (!claims) client.requests[0]?.signal.throwIfAborted();
      await ended;
      await turn();
      if (claimed !== undefined) {
        assert.ok((await claimed.read(content.length)).equals(content));
        assert.equal(client.openBodies, 0);
      }
      assert.equal(client.requests.length, 1);
    }
  });

  test('no room in the middle: readers get all that was written, and can go on with the hash of it', async () => {
    const content = contentOf(200 * KIB);
    const store = new MemoryStore();
    store.spoolLimit = 120 * KIB;
    const { client } = registry(content, [{ chunk: 10 * KIB }]);
    const running = start(client, digestOf(content), { store });
    // The store learns the size from the answer, and it is too large.
    await assert.rejects(running.fill.opened, LarderError);
    await running.ended;

    const hidden = registry(content, [{ chunk: 10 * KIB, hidesLength: true }]).client;
    const { fill, ended } = start(hidden, digestOf(content), { store });
    await fill.opened;
    assert.equal(fill.retain(), true);
    const reading = read(fill);
    await ended;
    const { bytes, failure } = (await reading) as Reading;
    assert.ok(isLarderError(failure, 'STORE_FULL'));
    assert.ok(bytes.equals(content.subarray(0, bytes.length)));
    assert.equal(bytes.length, fill.limit);
    assert.equal(fill.forkHash()?.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
    fill.release();
    assert.equal(store.openFiles, 0);
    assert.equal(hidden.openBodies, 0);
  });

  test('a right body that cannot be stored is served to its readers', async () => {
    const content = contentOf(100 * KIB);
    const store = new MemoryStore();
    store.commits = false;
    const { fill, ended } = start(registry(content).client, digestOf(content), { store });
    const reading = read(fill);
    await ended;
    assert.ok((await reading)?.bytes.equals(content));
    assert.equal(store.bodies.size, 0);
    assert.equal(store.openFiles, 0);
  });
});

describe('what the upstream refuses', () => {
  for (const [status, code] of [
    [401, 'UPSTREAM_UNAUTHORIZED'],
    [403, 'UPSTREAM_DENIED'],
    [404, 'BLOB_UNKNOWN'],
    [418, 'UPSTREAM_BAD_ANSWER'],
  ] as const) {
    test(`${status} is ${code} for all waiting callers, with one request`, async () => {
      const client = fakeUpstream(() => ({ status }));
      const { fill, ended } = start(client, digestOf(Buffer.from('x')));
      const readings = await Promise.all([read(fill), read(fill)]);
      await ended;
      for (const reading of readings) assert.ok(isLarderError(reading?.failure, code));
      assert.equal(client.requests.length, 1);
      assert.equal(client.openBodies, 0);
    });
  }

  test('a wrong range is not used: the whole body is fetched, and its known beginning skipped', async () => {
    const content = contentOf(200 * KIB);
    const cut = registry(content, [{ cutAfter: 50 * KIB }]).client;
    const client = fakeUpstream(async (request) => {
      if (request.range === undefined)
        return { contentLength: content.length, body: (await cut.request(request)).body };
      return firstBytesOf(content);
    });
    const { fill, ended } = start(client, digestOf(content));
    const reading = read(fill);
    await ended;
    assert.ok((await reading)?.bytes.equals(content));
    assert.deepEqual(
      client.requests.map(({ range }) => range?.start),
      [undefined, 50 * KIB, undefined],
    );
    assert.equal(client.openBodies, 0);
  });

  test('an upstream that has nothing but the beginning is given up after five attempts', async () => {
    const content = contentOf(200 * KIB);
    const cut = registry(content, [{ cutAfter: 50 * KIB }]).client;
    const client = fakeUpstream(async (request, count) =>
      count === 1
        ? { contentLength: content.length, body: (await cut.request(request)).body }
        : firstBytesOf(content),
    );
    const { fill, ended } = start(client, digestOf(content));
    const reading = read(fill);
    await ended;
    assert.ok(isLarderError(fill.failure, 'UPSTREAM_UNREACHABLE'));
    assert.equal(client.requests.length, 1 + 5 * 2);
    assert.ok((await reading)?.bytes.equals(content.subarray(0, 50 * KIB)));
    assert.equal(client.openBodies, 0);
  });
});

describe('the estimate of how long an offset takes', () => {
  test('is the rate so far times what is missing, nothing at first, and without end when nothing comes', async () => {
    const clock = new ManualClock();
    const content = Buffer.alloc(40 * MIB, 3);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const client = fakeUpstream(() => ({
      contentLength: content.length,
      body: hold(content, held, 2 * MIB),
    }));
    const { fill, ended, stop } = start(client, digestOf(content), { clock });
    assert.equal(fill.estimateMs(30 * MIB), 0);
    await waitFor(() => fill.limit === 2 * MIB);
    clock.advance(400);
    assert.equal(fill.estimateMs(30 * MIB), 0);
    clock.advance(1600);
    assert.equal(fill.estimateMs(MIB), 0);
    assert.equal(fill.estimateMs(12 * MIB), 10_000);
    stop();
    release();
    await ended;

    const silent = start(
      fakeUpstream(() => ({ contentLength: content.length, body: hold(content, new Promise(() => {})) })),
      digestOf(content),
      { clock },
    );
    await silent.fill.opened;
    clock.advance(1000);
    assert.equal(silent.fill.estimateMs(1), Infinity);
    silent.stop();
    await silent.ended;
  });
});

/** The answer that some servers give to any range. */
function firstBytesOf(content: Buffer): FakeAnswer {
  return {
    status: 206,
    headers: { 'content-range': contentRange({ start: 0, end: 10 }, content.length) },
    body: [content.subarray(0, 10)],
  };
}

/** The first `before` bytes, and the rest once `held` has resolved. */
async function* hold(content: Buffer, held: Promise<void>, before = 0): AsyncGenerator<Buffer> {
  // A failure is thrown where it is awaited.
  held.catch(() => {});
  if (before > 0) yield content.subarray(0, before);
  await held;
  for (let at = before; at < content.length; at += MIB) yield content.subarray(at, at + MIB);
}

describe('a fill whose caller is refused in the middle', () => {
  const content = contentOf(300 * KIB);
  const digest = digestOf(content);

  /** A registry that serves the callers in `mayRead`, and cuts the first body. */
  function guarded(mayRead: Set<string>): FakeUpstream {
    const { client } = registry(content, [{ cutAfter: 100 * KIB }]);
    return {
      ...client,
      async request(asked) {
        const { credential, repository } = asked;
        const who = credential.kind === 'caller' ? credential.credentialId : 'anonymous';
        if (mayRead.has(`${who} ${repository}`)) return client.request(asked);
        return fakeUpstream(() => ({ status: 401 })).request(asked);
      },
    };
  }

  function callerOf(client: FakeUpstream, id: string, repository: string): Target {
    const destination = destinationOf(client, {}, repository);
    const requester = requesterOf(destination, id);
    return {
      ...destination,
      requester: {
        ...requester,
        request: (asked) =>
          client.request({
            ...asked,
            repository: destination.repository,
            credential: { kind: 'caller', authorization: id, credentialId: id, knownGood: false },
          }),
      },
    };
  }

  test('goes on on behalf of a caller that joined, through its repository, and is linked there', async () => {
    const mayRead = new Set(['alice team/app', 'bob team/other']);
    const client = guarded(mayRead);
    const store = new MemoryStore();
    const requesters = new Requesters(callerOf(client, 'alice', 'team/app'));
    const fill = new Fill(
      { store, clock: hastyClock, logger: silentLogger },
      { requesters, digest, expectedSize: undefined },
    );
    const ended = fill.run(new AbortController().signal);
    await fill.opened;
    requesters.add(callerOf(client, 'bob', 'team/other'), true);
    mayRead.delete('alice team/app');
    const reading = await read(fill);
    await ended;
    assert.ok(reading?.bytes.equals(content), String(reading?.failure));
    const last = client.requests.at(-1);
    assert.equal(last?.repository, 'team/other');
    assert.ok((last?.range?.start ?? 0) >= 64 * KIB, 'not from the beginning');
    const repositoryId = { upstream: 'r.example', repository: parseRepositoryName('team/other') };
    assert.equal(store.presence(digest, repositoryId), 'linked');
  });

  test('fails with the refusal when there is no other reader', async () => {
    const mayRead = new Set(['alice team/app']);
    const client = guarded(mayRead);
    const requesters = new Requesters(callerOf(client, 'alice', 'team/app'));
    const fill = new Fill(
      { store: new MemoryStore(), clock: hastyClock, logger: silentLogger },
      { requesters, digest, expectedSize: undefined },
    );
    const ended = fill.run(new AbortController().signal);
    await fill.opened;
    mayRead.clear();
    const reading = await read(fill);
    await ended;
    assert.ok(isLarderError(reading?.failure, 'UPSTREAM_UNAUTHORIZED'), String(reading?.failure));
    assert.ok((reading?.bytes.length ?? 0) < content.length);
  });
});
