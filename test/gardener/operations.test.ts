/**
 * Recorded operations of the Go extension, played to the controllers. Cases of mirrors are complete. In cases of caches the work itself has
 * the recorded outcome, and everything around it is compared: types, states, texts, finalizers, annotations, errors that end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startExtensionWorld } from './extension-world.ts';
import { playOperations } from './play-operations.ts';
import { createRecordedActuator } from './recorded-actuator.ts';
import { recordedOperations, type Outcome } from './recorded-operations.ts';

/** Outcomes that differ on purpose, by case and number of the step. */
const DIFFERENT: Readonly<Record<string, Outcome>> = {
  // The Go extension drops the event for ever, and the object hangs.
  'lifecycle/delete-without-cluster 2': {
    settled: 'gone',
    transitions: [
      'Delete/Processing/1 Deleting the Extension',
      'Delete/Succeeded/100 Successfully deleted the Extension',
    ],
    extension: null,
  },
};

const unused = new Set(Object.keys(DIFFERENT));

for (const recorded of recordedOperations()) {
  test(`${recorded.name} goes as recorded`, async () => {
    await using world = await startExtensionWorld();
    // The rights of the chart name the objects that may be written.
    const fault = { kind: 'status', status: 403, reason: 'Forbidden' } as const;
    world.api.faults.add({ fault, verb: 'patch', path: '/extensions/my-cache', times: Infinity });
    const actuator = createRecordedActuator();
    const replica = world.start({ actuator });
    replica.lead();

    const outcomes = await playOperations(world, actuator, recorded);

    recorded.steps.forEach(({ settled, transitions, extension }, index) => {
      const id = `${recorded.name} ${index}`;
      const expected = DIFFERENT[id] ?? (settled && { settled, transitions, extension });
      unused.delete(id);
      assert.deepEqual(outcomes[index], expected, `step ${index}`);
    });
  });
}

test('every listed difference is seen', () => {
  assert.deepEqual([...unused], []);
});
