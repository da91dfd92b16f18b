import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { contentOf, hastyClock, KIB, registry, type Attempt } from '../../../test/cache/registry.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { isLarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { digestOf } from '../../oci/digest.ts';
import type { ByteRange } from '../../oci/range.ts';
import { Fill } from './fill.ts';
import { Requesters } from './requesters.ts';

const SIZE = 2000 * KIB;
const CONTENT = contentOf(SIZE);
const DIGEST = digestOf(CONTENT);

/** A store in which these ranges of the content are damaged, and a fill of it. */
function damaged(ranges: readonly ByteRange[], attempts: readonly Attempt[] = []) {
  const content = Buffer.from(CONTENT);
  for (const { start, end } of ranges) content.fill(0, start, end);
  const store = new MemoryStore();
  store.damaged.set(DIGEST, { content, ranges });
  const { client, sent } = registry(CONTENT, attempts);
  const fill = new Fill(
    { store, clock: hastyClock, logger: silentLogger },
    { requesters: new Requesters(targetOf(client)), digest: DIGEST, expectedSize: undefined },
  );
  return { store, client, sent, fill, content, run: () => fill.run(new AbortController().signal) };
}

describe('a blob of which a damaged file is left', () => {
  test('is fetched where that is damaged, and nowhere else', async () => {
    const ranges = [
      { start: 0, end: 64 * KIB },
      { start: 640 * KIB, end: 768 * KIB },
      { start: 1984 * KIB, end: SIZE },
    ];
    const { store, client, sent, fill, run } = damaged(ranges);
    await run();
    assert.equal(fill.failure, undefined);
    assert.deepEqual(store.bodies.get(DIGEST)?.content, CONTENT);
    assert.deepEqual(
      client.requests.map(({ range, kind }) => [kind, range]),
      ranges.map((range) => ['range', range]),
    );
    assert.deepEqual(sent, [64 * KIB, 128 * KIB, 16 * KIB]);
    assert.equal(store.openFiles, 0);
  });

  test('is not fetched at all when nothing of it is damaged, as when its file has become longer', async () => {
    const { store, client, run } = damaged([]);
    await run();
    assert.deepEqual(store.bodies.get(DIGEST)?.content, CONTENT);
    assert.equal(client.requests.length, 0);
  });

  test('is not begun when the upstream refuses, and waiting callers get the refusal', async () => {
    const { fill, run, store } = damaged(
      [{ start: 64 * KIB, end: 128 * KIB }],
      [{ refuses: 'UPSTREAM_DENIED' }],
    );
    await run();
    await assert.rejects(fill.opened, { code: 'UPSTREAM_DENIED' });
    assert.equal(store.openFiles, 0);
  });

  test('is fetched as a whole next time when it has another digest in the end, whichever part was wrong', async () => {
    const { fill, run, store } = damaged([{ start: 64 * KIB, end: 128 * KIB }], [{ flips: 70 * KIB }]);
    await run();
    assert.ok(isLarderError(fill.failure, 'UPSTREAM_DIGEST_MISMATCH'));
    assert.equal(store.damaged.has(DIGEST), false);
    assert.equal(store.left.size, 0);
  });

  test('is fetched from the offset at which its file has become unusable since it was checked', async () => {
    const { fill, run, store, sent } = damaged([{ start: 640 * KIB, end: 704 * KIB }]);
    const remains = store.remains.bind(store);
    store.remains = async (digest) => {
      const found = await remains(digest);
      const read = async (buffer: Buffer, offset: number): Promise<number> =>
        offset < 64 * KIB ? 0 : ((await found?.read(buffer, offset)) ?? 0);
      return found && { ...found, read };
    };
    await run();
    assert.equal(fill.failure, undefined);
    assert.deepEqual(store.bodies.get(DIGEST)?.content, CONTENT);
    assert.equal(sent.at(-1), 704 * KIB);
  });

  test('is fetched as a whole where there is no room for it beside its damaged file', async () => {
    const { fill, run, store, sent } = damaged([{ start: 64 * KIB, end: 128 * KIB }]);
    const spool = store.spool.bind(store);
    store.spool = (...args) => {
      store.spoolLimit = store.damaged.has(DIGEST) ? 0 : Infinity;
      return spool(...args);
    };
    await run();
    assert.equal(fill.failure, undefined);
    assert.equal(store.damaged.has(DIGEST), false);
    assert.deepEqual(sent, [SIZE]);
  });

  test('property: whatever is damaged, cut, or sent whole instead of a range, the body is right', async () => {
    const damage = fc
      .uniqueArray(fc.nat(31), { maxLength: 12 })
      .map((chunks) =>
        chunks
          .toSorted((a, b) => a - b)
          .map((chunk) => ({ start: chunk * 64 * KIB, end: Math.min(SIZE, (chunk + 1) * 64 * KIB) })),
      );
    const attempt: fc.Arbitrary<Attempt> = fc.record({
      cutAfter: fc.option(fc.nat(100 * KIB), { nil: undefined }),
      chunk: fc.integer({ min: 10 * KIB, max: 70 * KIB }),
      ignoresRange: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.array(attempt, { maxLength: 4 }), async (ranges, attempts) => {
        const { fill, run, store, sent } = damaged(ranges, attempts);
        await run();
        assert.equal(fill.failure, undefined);
        assert.deepEqual(store.bodies.get(DIGEST)?.content, CONTENT);
        assert.equal(store.openFiles, 0);
        const asked = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
        if (attempts.length === 0)
          assert.equal(
            sent.reduce((sum, bytes) => sum + bytes, 0),
            asked,
          );
      }),
      { numRuns: 60 },
    );
  });
});
