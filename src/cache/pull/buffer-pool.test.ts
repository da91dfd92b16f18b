import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createBufferPool, type BufferLease } from './buffer-pool.ts';

const OPTIONS = { largeBytes: 1000, largeCount: 2, largeIdle: 1, smallBytes: 10 };

describe('a buffer pool', () => {
  test('lends large buffers, and small ones when the large are all lent', () => {
    const pool = createBufferPool(OPTIONS);
    const [first, second, third] = [pool.lease(5000), pool.lease(11), pool.lease(5000)];
    assert.deepEqual(
      [first, second, third].map(({ buffer }) => buffer.length),
      [1000, 1000, 10],
    );
    third.release();
    assert.equal(pool.lent, 2);
    second.release();
    assert.equal(pool.lease(5000).buffer.length, 1000);
  });

  test('lends no large buffer for what fits a small one', () => {
    const pool = createBufferPool(OPTIONS);
    assert.equal(pool.lease(7).buffer.length, 7);
    assert.equal(pool.lease(10).buffer.length, 10);
    assert.equal(pool.lent, 0);
  });

  test('lends a released buffer again, and never one that was abandoned', () => {
    const pool = createBufferPool(OPTIONS);
    const released = pool.lease(5000);
    released.release();
    const again = pool.lease(5000);
    assert.equal(again.buffer, released.buffer);
    again.abandon();
    assert.notEqual(pool.lease(5000).buffer, released.buffer);
  });

  test('never lends one buffer twice at a time, nor more large ones than allowed, and counts what is lent', () => {
    const step = fc.tuple(fc.constantFrom('lease', 'release', 'abandon'), fc.nat());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = createBufferPool({ ...OPTIONS, largeCount: 3 });
        const held: BufferLease[] = [];
        const abandoned = new Set<Buffer>();
        for (const [action, choice] of steps) {
          if (action === 'lease') {
            const lease = pool.lease(5000);
            assert.ok(held.every((other) => other.buffer !== lease.buffer) && !abandoned.has(lease.buffer));
            held.push(lease);
          } else if (held.length > 0) {
            const [lease] = held.splice(choice % held.length, 1);
            if (action === 'release') lease?.release();
            else lease?.abandon();
            if (action === 'abandon' && lease !== undefined) abandoned.add(lease.buffer);
          }
          const large = held.filter(({ buffer }) => buffer.length === 1000).length;
          assert.equal(pool.lent, large);
          assert.ok(large <= 3);
        }
      }),
    );
  });
});
