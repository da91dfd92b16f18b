import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { gardenerCodesOf } from '../extensions/error-codes.ts';
import { MANAGED_RESOURCES, type ManagedResource } from '../managed-resources/managed-resource.ts';
import { untilGone, untilHealthy } from './wait-for-resource.ts';

const KEY = { namespace: 'shoot--a--b', name: 'r' };
const { signal } = new AbortController();

/** Runs a wait on a ManagedResource with these conditions, with as much time as it wants, and returns its error and its duration. */
async function outcome(
  wait: typeof untilGone,
  conditions: NonNullable<ManagedResource['status']>['conditions'] | undefined,
): Promise<{ readonly error: unknown; readonly ms: number }> {
  const clock = new ManualClock();
  const begin = clock.now();
  const kube = createMemoryKube(clock);
  const client = kube.client();
  if (conditions !== undefined) {
    const object = {
      apiVersion: 'resources.gardener.cloud/v1alpha1',
      kind: 'ManagedResource',
      metadata: KEY,
    };
    const status = { observedGeneration: 1, conditions };
    await client.create(MANAGED_RESOURCES, { ...object, spec: { secretRefs: [] } }, { signal });
    await client.mergePatch(MANAGED_RESOURCES, KEY, { status }, { signal, subresource: 'status' });
  }
  let isOver = false;
  let error: unknown;
  const waiting = wait({ client, clock }, KEY, signal)
    .catch((thrown: unknown) => void (error = thrown))
    .finally(() => void (isOver = true));
  for (;;) {
    await waitFor(() => isOver || clock.pending > 0, { everyMs: 1 });
    if (isOver) break;
    clock.advance(2000);
  }
  await waiting;
  return { error, ms: clock.now() - begin };
}

const condition = (type: string, status: string, reason = '', message = '') => ({
  type,
  status,
  reason,
  message,
});

const texts: readonly (readonly [
  string,
  typeof untilGone,
  Parameters<typeof outcome>[1],
  string,
  string[],
])[] = [
  [
    'one that is not healthy',
    untilHealthy,
    [condition('ResourcesApplied', 'True'), condition('ResourcesHealthy', 'False')],
    'managed resource shoot--a--b/r is not healthy',
    [],
  ],
  [
    'one that does not exist',
    untilHealthy,
    undefined,
    'managedresources.resources.gardener.cloud "r" not found',
    [],
  ],
  ['one that stays', untilGone, [], 'resource shoot--a--b/r still exists', []],
  [
    'one whose objects stay',
    untilGone,
    [condition('ResourcesApplied', 'False', 'DeletionPending', 'x is still pending')],
    'resource shoot--a--b/r still exists:\nx is still pending',
    [],
  ],
  [
    'one with an object that the shoot refuses',
    untilGone,
    [
      condition(
        'ResourcesApplied',
        'False',
        'DeletionFailed',
        'error during apply of object "v1/Service/a/b" is invalid: no',
      ),
    ],
    'still exists:\nerror during apply of object "v1/Service/a/b" is invalid: no',
    ['ERR_CONFIGURATION_PROBLEM'],
  ],
];
for (const [what, wait, conditions, text, codes] of texts) {
  test(`${what} is waited for two minutes, and reported in the words of Go`, async () => {
    const { error, ms } = await outcome(wait, conditions);
    assert.ok(error instanceof Error);
    assert.match(error.message, /retry failed with context deadline exceeded, last error: /);
    assert.ok(error.message.endsWith(text), error.message);
    assert.deepEqual(gardenerCodesOf(error), codes);
    assert.equal(ms, 120_000);
  });
}

test('one that is healthy, or gone, is not waited for', async () => {
  const healthy = [condition('ResourcesApplied', 'True'), condition('ResourcesHealthy', 'True')];
  assert.deepEqual(await outcome(untilHealthy, healthy), { error: undefined, ms: 0 });
  assert.deepEqual(await outcome(untilGone, undefined), { error: undefined, ms: 0 });
});
