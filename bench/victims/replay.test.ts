import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createByteHitBound } from './bound.ts';
import { lru } from './policies/lru.ts';
import { replay } from './replay.ts';
import type { Item } from './trace/image.ts';
import { HOUR_MS } from './trace/time.ts';
import { tracedReads } from './trace/trace.ts';

const config: Item = { kind: 'config', size: 1 };
const layer: Item = { kind: 'layer', size: 9 };
const other: Item = { kind: 'layer', size: 10 };

test('bytes count for every read, the rest for the first of a burst', () => {
  const bare = [
    { at: 0, item: config },
    { at: 1, item: layer },
    { at: 2, item: layer },
    { at: HOUR_MS, item: config },
    { at: HOUR_MS + 1, item: other },
    { at: HOUR_MS + 2, item: other },
  ];
  const rates = replay({ reads: tracedReads(bare), footprint: 20 }, lru, 10);
  assert.deepEqual(rates, {
    bytes: (100 * (9 + 1 + 10)) / (1 + 9 + 9 + 1 + 10 + 10),
    first: (100 * 1) / (1 + 9 + 1 + 10),
    small: 50,
  });
});

test('the bound spends the room of all the time on the shortest waits', () => {
  const at = [0, 1, 2, 3, 4];
  const reads = tracedReads(
    [layer, other, other, layer, config].map((item, index) => ({ at: at[index]!, item })),
  );
  const boundOf = createByteHitBound({ reads, footprint: 20 });
  const bytes = 9 + 10 + 10 + 9 + 1;
  // 4 ms of 10 bytes: `other` takes 1 ms of them, `layer` would take 27 of the remaining 30 bytes x ms.
  assert.equal(boundOf(10), (100 * 19) / bytes);
  // 36 bytes x ms, of which `layer` alone would take 27; `other` is larger than the cache.
  assert.equal(boundOf(9), (100 * 9) / bytes);
  assert.equal(boundOf(1), 0);
});
