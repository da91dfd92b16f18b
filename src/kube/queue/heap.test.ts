import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from './heap.ts';

interface Numbered {
  readonly value: number;
  position: number;
}

const heapOf = (): Heap<Numbered> => new Heap((a, b) => a.value < b.value);

test('a heap gives items in order, also after some were removed from the middle', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.array(fc.nat(100)), (values, removals) => {
      const heap = heapOf();
      const left = values.map((value): Numbered => ({ value, position: -1 }));
      for (const item of left) heap.push(item);
      for (const removal of removals) {
        if (left.length === 0) break;
        const [item] = left.splice(removal % left.length, 1);
        assert.ok(item !== undefined);
        heap.remove(item);
        assert.equal(item.position, -1);
      }
      assert.equal(heap.size, left.length);
      const out: (number | undefined)[] = [];
      while (heap.size > 0) out.push(heap.pop()?.value);
      assert.deepEqual(
        out,
        left.map(({ value }) => value).sort((a, b) => a - b),
      );
    }),
  );
});

test('an empty heap has no first item', () => {
  const heap = heapOf();
  assert.equal(heap.first, undefined);
  assert.equal(heap.pop(), undefined);
});
