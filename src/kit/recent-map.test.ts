import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRecentMap } from './recent-map.ts';

test('a map of recent entries forgets those that were used longest ago, and no others', () => {
  const use = fc.record({ key: fc.nat(9), isRead: fc.boolean() });
  fc.assert(
    fc.property(fc.array(use), fc.integer({ min: 1, max: 6 }), (uses, entries) => {
      const map = createRecentMap<number, string>(entries);
      let model: number[] = [];
      for (const { key, isRead } of uses) {
        if (isRead) {
          assert.equal(map.get(key), model.includes(key) ? `of ${key}` : undefined);
          if (!model.includes(key)) continue;
        } else map.set(key, `of ${key}`);
        model = [...model.filter((one) => one !== key), key].slice(-entries);
      }
      assert.deepEqual([...map.keys()].toReversed(), model);
    }),
  );
});
