import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Controller } from '../kube/controller/controller.ts';
import { work } from './work.ts';

const LEADING = { signal: new AbortController().signal, isLive: () => true };

/** Runs until it is stopped, or fails at once. */
function controllerOf(failure?: Error): Controller {
  return {
    warm: () => Promise.resolve(),
    async run(stop) {
      if (failure !== undefined) throw failure;
      await untilAbort(stop);
    },
  };
}

function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

test('the background work ends with the last controller', async () => {
  const stopping = new AbortController();
  let hasEnded = false;
  const background = async (signal: AbortSignal): Promise<void> => {
    await untilAbort(signal);
    hasEnded = true;
  };
  const working = work([controllerOf(), controllerOf()], background, stopping.signal, LEADING);
  stopping.abort();
  await working;
  assert.ok(hasEnded);
});

test('a failure of the background work fails the work, without an unhandled rejection', async () => {
  const background = () => Promise.reject(new RangeError('broken'));
  const never = new AbortController().signal;
  await assert.rejects(work([controllerOf()], background, never, LEADING), new RangeError('broken'));
});

test('a controller that fails fails the work', async () => {
  const never = new AbortController().signal;
  const working = work([controllerOf(), controllerOf(new RangeError('broken'))], untilAbort, never, LEADING);
  await assert.rejects(working, new RangeError('broken'));
});
