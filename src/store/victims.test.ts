import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Digest } from '../oci/digest.ts';
import type { Candidate } from './content-index.ts';
import { chooseVictims } from './victims.ts';

const NOW = 1_700_000_000_000;

function candidate(name: string, size: number, idleSeconds: number): Candidate {
  return { digest: name as Digest, size, usedAt: NOW - idleSeconds * 1000 };
}

function chosen(candidates: Candidate[], bytes: number): string[] {
  return chooseVictims(candidates, bytes, NOW).map(({ digest }) => digest);
}

const candidates = fc.array(
  fc.record({
    digest: fc.uuid().map((text) => text as Digest),
    size: fc.nat(1_000_000),
    usedAt: fc.integer({ min: NOW - 1e9, max: NOW + 1000 }),
  }),
  { maxLength: 60 },
);

test('of two of one size the one not used for longer goes', () => {
  assert.deepEqual(chosen([candidate('new', 100, 10), candidate('old', 100, 20)], 1), ['old']);
});

test('of two equally old ones the larger goes', () => {
  assert.deepEqual(chosen([candidate('small', 100, 10), candidate('large', 200, 10)], 1), ['large']);
});

test('100 times larger goes after a tenth of the idle time', () => {
  const small = candidate('small', 1000, 1000);
  assert.deepEqual(chosen([small, candidate('large', 100_000, 101)], 1), ['large']);
  assert.deepEqual(chosen([small, candidate('large', 100_000, 99)], 1), ['small']);
});

test('what is chosen suffices if anything does, and not one of it could stay', () => {
  fc.assert(
    fc.property(candidates, fc.nat(5_000_000), (all, bytes) => {
      const victims = chooseVictims(all, bytes, NOW);
      const freed = victims.reduce((sum, { size }) => sum + size, 0);
      const total = all.reduce((sum, { size }) => sum + size, 0);
      assert.ok(freed >= Math.min(bytes, total));
      assert.equal(new Set(victims).size, victims.length);
      assert.ok(victims.every((victim) => all.includes(victim)));
      const last = victims.at(-1);
      if (last !== undefined) assert.ok(freed - last.size < bytes);
    }),
  );
});

test('nothing that stays is both older and larger than something that goes', () => {
  fc.assert(
    fc.property(candidates, fc.nat(5_000_000), (all, bytes) => {
      const victims = new Set(chooseVictims(all, bytes, NOW));
      for (const kept of all.filter((one) => !victims.has(one))) {
        for (const victim of victims) {
          assert.ok(
            !(kept.usedAt < victim.usedAt - 1000 && kept.usedAt < NOW - 2000 && kept.size > victim.size),
          );
        }
      }
    }),
  );
});
