import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { createByteHitBound } from '../bound.ts';
import { replay } from '../replay.ts';
import type { Item } from '../trace/image.ts';
import { HOUR_MS, MINUTE_MS } from '../trace/time.ts';
import { tracedReads, type Trace } from '../trace/trace.ts';
import { belady } from './belady.ts';
import { gdsf } from './gdsf.ts';
import { idleSize } from './idle-size.ts';
import { larder } from './larder.ts';
import { lfu, lfuDa } from './lfu.ts';
import { lru } from './lru.ts';
import { s3Fifo } from './s3-fifo.ts';
import { wTinyLfu } from './w-tinylfu.ts';

const POLICIES = [larder, lru, lfu, lfuDa, gdsf, s3Fifo, wTinyLfu, idleSize, belady];

/** Trace of these reads; times in milliseconds. */
function traceOfReads(reads: readonly (readonly [at: number, item: Item])[]): Trace {
  const bare = reads.map(([at, item]) => ({ at, item }));
  const items = new Set(bare.map(({ item }) => item));
  return { reads: tracedReads(bare), footprint: [...items].reduce((sum, { size }) => sum + size, 0) };
}

const traces = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(1_000_000), fc.nat(11)), { minLength: 1, maxLength: 120 }),
  )
  .map(([sizes, reads]) => {
    const items = sizes.map((size): Item => ({ kind: 'layer', size }));
    let at = 0;
    return traceOfReads(reads.map(([gap, index]) => [(at += gap + 1), items[index % items.length]!]));
  });

describe('every policy', () => {
  for (const policy of POLICIES) {
    test(`${policy.name}: has everything that was read before when all of it fits twice`, () => {
      fc.assert(
        fc.property(traces, (trace) => {
          const cache = policy.createCache(20 * trace.footprint);
          const seen = new Set<Item>();
          for (const read of trace.reads) {
            assert.equal(cache.read(read), seen.has(read.item));
            seen.add(read.item);
          }
        }),
      );
    });

    test(`${policy.name}: serves no more bytes than the bound`, () => {
      fc.assert(
        fc.property(traces, fc.integer({ min: 1, max: 300 }), (trace, capacity) => {
          const bound = createByteHitBound(trace)(capacity);
          assert.ok(replay(trace, policy, capacity).bytes <= bound + 1e-6);
        }),
      );
    });

    test(`${policy.name}: an item larger than the cache is never in it`, () => {
      const item: Item = { kind: 'layer', size: 11 };
      const cache = policy.createCache(10);
      const { reads } = traceOfReads([0, 1, 2].map((at) => [at, item]));
      assert.deepEqual(
        reads.map((read) => cache.read(read)),
        [false, false, false],
      );
    });
  }
});

test('LRU evicts the item with the oldest read, as a list does', () => {
  fc.assert(
    fc.property(traces, fc.integer({ min: 1, max: 300 }), (trace, capacity) => {
      const cache = lru.createCache(capacity);
      let list: Item[] = [];
      for (const read of trace.reads) {
        assert.equal(cache.read(read), list.includes(read.item));
        if (read.item.size > capacity) continue;
        list = [...list.filter((item) => item !== read.item), read.item];
        while (list.reduce((sum, { size }) => sum + size, 0) > capacity) list.shift();
      }
    }),
  );
});

test('Belady evicts the item whose next read is furthest away', () => {
  const [a, b, c] = [1, 1, 1].map((size): Item => ({ kind: 'layer', size }));
  const { reads } = traceOfReads([a, b, c, b, a].map((item, at) => [at, item!]));
  const cache = belady.createCache(2);
  assert.deepEqual(
    reads.map((read) => cache.read(read)),
    [false, false, false, true, false],
  );
});

/** Reads a large item every half an hour, and in between as many bytes of items read once as the cache holds. */
function hotAmongOnce(): { trace: Trace; hot: Item } {
  const hot: Item = { kind: 'layer', size: 400 };
  const reads: [number, Item][] = [
    [0, hot],
    [1, hot],
  ];
  for (let pass = 1; pass <= 40; pass += 1) {
    for (let piece = 0; piece < 20; piece += 1)
      reads.push([(pass - 1) * 30 * MINUTE_MS + (piece + 1) * MINUTE_MS, { kind: 'layer', size: 50 }]);
    reads.push([pass * 30 * MINUTE_MS, hot]);
  }
  return { trace: traceOfReads(reads), hot };
}

test('Larder keeps an item that is read all the time among items read once, which idle^2*size does not', () => {
  const { trace, hot } = hotAmongOnce();
  const fetches = [larder, idleSize].map((policy) => {
    const cache = policy.createCache(1000);
    return trace.reads.filter((read) => !cache.read(read) && read.item === hot).length;
  });
  assert.equal(fetches[0], 1);
  assert.ok(fetches[1]! > 20, `${fetches[1]} fetches`);
});

test('S3-FIFO and W-TinyLFU keep items read often during a scan', () => {
  const often = Array.from({ length: 5 }, (): Item => ({ kind: 'layer', size: 10 }));
  const reads: [number, Item][] = [];
  for (let round = 0; round < 10; round += 1) for (const item of often) reads.push([reads.length, item]);
  for (let piece = 0; piece < 100; piece += 1) reads.push([reads.length, { kind: 'layer', size: 10 }]);
  for (const item of often) reads.push([HOUR_MS, item]);
  const trace = traceOfReads(reads);
  for (const policy of [s3Fifo, wTinyLfu]) {
    const cache = policy.createCache(100);
    const hits = trace.reads.map((read) => cache.read(read));
    assert.deepEqual(hits.slice(-5), [true, true, true, true, true], policy.name);
  }
});
