import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareStoreMetrics } from '../metrics.ts';
import { digestOf, type Digest } from '../../oci/digest.ts';
import { createScrub, type ScrubOptions } from './scrub.ts';
import type { StoredContent } from '../index/inventory.ts';
import type { VerifyContent } from '../damage/verify-content.ts';

type Outcome = Awaited<ReturnType<VerifyContent>>;

const SIZE = 1000;
/** Milliseconds between two passes, at least. */
const REST_MS = 10_000;

/** `count` objects in the order of the scrub. */
function contents(count: number): StoredContent[] {
  return Array.from({ length: count }, (_, seed) => ({
    digest: digestOf(Buffer.from(String(seed))),
    size: SIZE,
    type: 'blob' as const,
    usedAt: 0,
  })).sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Runs a scrub over `stored` and lists the digests it has read. `documents` outlives it. */
function setting(
  stored: StoredContent[],
  options: Partial<ScrubOptions> & {
    documents?: Map<string, Buffer>;
    outcomeOf?: (digest: Digest) => Outcome;
    clock?: ManualClock;
  } = {},
) {
  const {
    documents = new Map<string, Buffer>(),
    outcomeOf = () => 'right',
    clock = new ManualClock(),
  } = options;
  const metrics = declareStoreMetrics(createMetricsRegistry());
  const read: Digest[] = [];
  let writes = 0;
  const stop = new AbortController();
  const scrub = createScrub(
    {
      inventory: {
        after: (digest, limit) =>
          stored.filter((one) => digest === undefined || one.digest > digest).slice(0, limit),
      },
      ledger: {
        contentOf: () => stored.reduce((sum, { size }) => sum + size, 0),
        get objects() {
          return stored.length;
        },
      },
      async verifyContent(digest, _signal, paced) {
        await paced(SIZE / 2);
        await paced(SIZE / 2);
        read.push(digest);
        return outcomeOf(digest);
      },
      documents: {
        readDocument: (name) => Promise.resolve(documents.get(name)),
        writeDocument(name, content) {
          writes += 1;
          documents.set(name, content);
          return Promise.resolve();
        },
      },
      clock,
      logger: silentLogger,
      metrics,
    },
    { bytesPerSecond: SIZE, everyMs: 0, busy: () => false, ...options },
  );
  const running = scrub.run(stop.signal);
  return {
    scrub,
    read,
    clock,
    metrics,
    documents,
    writes: () => writes,
    /** Lets `ms` pass in steps of half a second. */
    async pass(ms: number) {
      await turns();
      for (let at = 0; at < ms; at += 500) {
        clock.advance(500);
        await turns();
      }
    },
    async stop() {
      stop.abort(new Error('stopped'));
      await running;
      assert.equal(clock.pending, 0);
    },
  };
}

test('all content is read in the order of digests, at the rate, and again after a rest', async () => {
  const stored = contents(5);
  const under = setting(stored);
  await under.pass(2000);
  assert.equal(under.read.length, 2);
  assert.equal(under.scrub.stats().checkedBytes, 2.5 * SIZE);
  assert.equal(under.scrub.stats().totalBytes, 5 * SIZE);
  await under.pass(3000);
  assert.deepEqual(
    under.read,
    stored.map(({ digest }) => digest),
  );
  const { isRunning, startedAt, finishedAt, checkedObjects, damaged } = under.scrub.stats();
  assert.deepEqual([isRunning, checkedObjects, damaged], [false, 5, 0]);
  assert.ok(startedAt !== null && finishedAt !== null && finishedAt > startedAt);
  await under.pass(REST_MS + 1000);
  assert.equal(under.read.length, 10);
  assert.equal(under.scrub.stats().startedAt, (finishedAt ?? 0) + REST_MS);
  await under.stop();
});

test('damage is counted, and content that cannot be read does not hold up the rest', async () => {
  const stored = contents(4);
  const under = setting(stored, {
    outcomeOf(digest) {
      if (digest === stored[0]?.digest) throw new Error('EACCES');
      return digest === stored[1]?.digest ? 'damaged' : digest === stored[2]?.digest ? 'absent' : 'right';
    },
  });
  await under.pass(5000);
  const { damaged, checkedObjects, isRunning } = under.scrub.stats();
  assert.deepEqual([damaged, checkedObjects, isRunning], [1, 2, false]);
  assert.equal((await under.metrics.scrubDamaged.get()).values[0]?.value, 1);
  assert.equal((await under.metrics.scrubProgress.get()).values[0]?.value, 1);
  assert.equal((await under.metrics.scrubBytes.get()).values[0]?.value, 4 * SIZE);
  await under.stop();
});

test('a restart goes on where the last run was stopped, with its sums', async () => {
  const stored = contents(6);
  const first = setting(stored);
  await first.pass(2000);
  await first.stop();
  const { documents, clock } = first;
  const second = setting(stored, { documents, clock });
  await second.pass(500);
  assert.equal(second.scrub.stats().startedAt, first.scrub.stats().startedAt);
  await second.pass(4000);
  assert.deepEqual(
    [...first.read, ...second.read],
    stored.map(({ digest }) => digest),
  );
  assert.equal(second.scrub.stats().checkedObjects, 6);
  assert.equal(second.scrub.stats().checkedBytes, 6 * SIZE);
  await second.stop();
});

test('content that restarts interrupt twice is left to the next pass', async () => {
  const stored = contents(3);
  const documents = new Map<string, Buffer>();
  const clock = new ManualClock();
  for (let start = 0; start < 2; start += 1) {
    const under = setting(stored, { documents, clock, bytesPerSecond: 1 });
    await under.pass(1000);
    await under.stop();
  }
  const under = setting(stored, { documents, clock });
  await under.pass(3000);
  assert.deepEqual(
    under.read,
    stored.slice(1).map(({ digest }) => digest),
  );
  await under.stop();
});

test('progress is written every half minute at most, and at the end', async () => {
  const under = setting(contents(200));
  await under.pass(4 * 30_000);
  assert.ok(under.writes() >= 4 && under.writes() <= 5, `${under.writes()} writes`);
  await under.stop();
  assert.ok(under.writes() <= 6);
});

test('a pass starts when it is due, also across restarts, and not for an empty store', async () => {
  const stored: StoredContent[] = [];
  const everyMs = 60_000;
  const first = setting(stored, { everyMs });
  await first.pass(2 * everyMs);
  assert.equal(first.scrub.stats().startedAt, null);
  stored.push(...contents(2));
  await first.pass(REST_MS + 2000);
  assert.equal(first.read.length, 2);
  await first.stop();
  const second = setting(stored, { everyMs, documents: first.documents, clock: first.clock });
  await second.pass(everyMs - REST_MS - 5000);
  assert.equal(second.read.length, 0);
  await second.pass(REST_MS + 6000);
  assert.equal(second.read.length, 2);
  await second.stop();
});

test('whenever it is stopped and started, and whatever is added and removed, each pass reads content that stayed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 4 }),
      fc.array(fc.nat(11), { maxLength: 3 }),
      async (count, stops, removed) => {
        const stored = contents(count);
        const stays = stored.filter((_, index) => !removed.includes(index)).map(({ digest }) => digest);
        const documents = new Map<string, Buffer>();
        const clock = new ManualClock();
        const read: Digest[] = [];
        for (const seconds of [...stops, 30]) {
          // Ends half a second after whole objects, so that none is interrupted twice.
          const under = setting(stored, { documents, clock, everyMs: 3_600_000 });
          await under.pass(seconds * 1000 + 500);
          await under.stop();
          read.push(...under.read);
          for (const index of removed) {
            const at = stored.findIndex(({ digest }) => digest === contents(count)[index]?.digest);
            if (at !== -1) stored.splice(at, 1);
          }
        }
        assert.deepEqual(
          read.filter((digest) => stays.includes(digest)),
          stays,
        );
      },
    ),
    { numRuns: 40 },
  );
});

async function turns(): Promise<void> {
  for (let count = 0; count < 8; count += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
