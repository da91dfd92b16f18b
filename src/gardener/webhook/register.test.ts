import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whileTimePasses } from '../../../test/gardener/webhook-fleet.ts';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { registerWebhooks } from './register.ts';
import type { RegistrationChange } from './registration.ts';

/** Registers with a registration that fails as `failures` says, and lets time pass until the end. */
async function register(failures: readonly (Error | 'hangs')[], ownerNamespace = '') {
  const clock = new ManualClock();
  const start = clock.now();
  const client = createMemoryKube(clock).client();
  const stop = new AbortController();
  const attempts: { readonly at: number; readonly change: RegistrationChange }[] = [];
  let ended = 0;
  const registration = {
    bundles: () => Promise.resolve([]),
    async reconcile(change: RegistrationChange, signal: AbortSignal) {
      const failure = failures[attempts.length];
      attempts.push({ at: clock.now() - start, change });
      if (failure === 'hangs')
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      else if (failure !== undefined) throw failure;
      return 0;
    },
  };
  const options = { ownerNamespace, bundle: undefined, onAttempt: () => void (ended += 1) };
  const result = registerWebhooks({ client, clock, registration }, options, stop.signal).catch(
    (error: unknown) => error,
  );
  const outcome = await whileTimePasses(clock, result, 100);
  assert.equal(clock.pending, 0, 'timers were left');
  return { outcome, attempts, ended, tookMs: clock.now() - start };
}

const refusal = (serverMessage: string) =>
  new KubeError(`update x: ${serverMessage}`, { httpStatus: 422, reason: 'Invalid', serverMessage });

test('a registration is tried every second', async () => {
  const { outcome, attempts, ended } = await register([refusal('a'), refusal('b')]);
  assert.equal(outcome, undefined);
  assert.deepEqual(
    attempts.map(({ at }) => at),
    [0, 1000, 2000],
  );
  assert.equal(ended, 3);
});

test('after 5 s the last refusal is thrown in the words of the Go library', async () => {
  const message = 'ValidatingWebhookConfiguration.admissionregistration.k8s.io "x" is invalid: [y]';
  const { outcome, tookMs } = await register(Array.from({ length: 9 }, () => refusal(message)));
  assert.ok(isLarderError(outcome, 'KUBE_API'));
  assert.equal(
    outcome.message,
    'retry failed with context deadline exceeded, last error: error reconciling seed webhook config: ' +
      `error reconciling seed webhook config: ${message}`,
  );
  assert.equal(tookMs, 5000);
});

test('a namespace that does not exist is the same, and nothing is registered', async () => {
  const { outcome, attempts, tookMs } = await register([], 'nope');
  assert.ok(isLarderError(outcome, 'KUBE_API'));
  assert.equal(
    outcome.message,
    'retry failed with context deadline exceeded, last error: error reconciling seed webhook config: ' +
      'Namespace "nope" not found',
  );
  assert.deepEqual(attempts, []);
  assert.equal(tookMs, 5000);
});

test('a call that does not end is given up after 5 s', async () => {
  const { outcome, tookMs } = await register(['hangs']);
  assert.match(String(outcome), /last error: .*context deadline exceeded$/);
  assert.equal(tookMs, 5000);
});
