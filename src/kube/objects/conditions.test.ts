import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withConditions, type Condition, type ConditionState } from './conditions.ts';

const NOON = Date.UTC(2026, 0, 2, 12, 0, 0, 500);
const ready = (status: Condition['status'], message = ''): ConditionState => ({
  type: 'Ready',
  status,
  reason: 'Because',
  message,
});

test('a condition has the time of its transition, in seconds, and the observed generation', () => {
  assert.deepEqual(withConditions([], [ready('True', 'fine')], { now: NOON, generation: 3 }), [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Because',
      message: 'fine',
      lastTransitionTime: '2026-01-02T12:00:00Z',
      observedGeneration: 3,
    },
  ]);
});

test('another message changes no time, another status does', () => {
  const first = withConditions([], [ready('True')], { now: NOON, generation: 1 });
  const second = withConditions(first, [ready('True', 'still')], { now: NOON + 60_000, generation: 2 });
  assert.equal(second[0]?.lastTransitionTime, '2026-01-02T12:00:00Z');
  assert.equal(second[0]?.message, 'still');
  const third = withConditions(second, [ready('False')], { now: NOON + 120_000, generation: 2 });
  assert.equal(third[0]?.lastTransitionTime, '2026-01-02T12:02:00Z');
});

test('conditions are sorted, foreign ones stay, and repeating changes nothing', () => {
  const state = fc.record({
    type: fc.constantFrom('Ready', 'Progressing', 'Degraded', 'Conflict'),
    status: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
    reason: fc.constantFrom('A', 'B'),
    message: fc.string({ maxLength: 5 }),
  });
  const states = fc.uniqueArray(state, { selector: ({ type }) => type });
  fc.assert(
    fc.property(states, states, fc.nat(1e9), (first, second, later) => {
      const before = withConditions([], first, { now: NOON, generation: 1 });
      const seen = { now: NOON + later, generation: 2 };
      const after = withConditions(before, second, seen);
      const types = after.map(({ type }) => type);
      assert.deepEqual(types, [...types].sort());
      assert.deepEqual(new Set(types), new Set([...first, ...second].map(({ type }) => type)));
      for (const condition of before) {
        if (!second.some(({ type }) => type === condition.type)) assert.ok(after.includes(condition));
      }
      assert.deepEqual(withConditions(after, second, { now: seen.now + 1e6, generation: 2 }), after);
    }),
  );
});

test('a message too long for the API server is cut', () => {
  const [condition] = withConditions([], [ready('True', 'x'.repeat(40_000))], { now: NOON, generation: 1 });
  assert.equal(condition?.message.length, 32_768);
});
