import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { untilAborted } from './abort.ts';

test('gives what the promise gives, and leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(untilAborted(Promise.reject(new RangeError('broken')), signal), RangeError);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('rejects with the reason of the signal as soon as it aborts, and leaves the promise alone', async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = untilAborted(promise, controller.signal);
  controller.abort(new RangeError('gone'));
  await assert.rejects(waiting, new RangeError('gone'));
  resolve('late');
  assert.equal(await promise, 'late');
});

test('rejects at once when the signal has aborted before', async () => {
  const never = new Promise(() => {});
  await assert.rejects(
    untilAborted(never, AbortSignal.abort(new RangeError('gone'))),
    new RangeError('gone'),
  );
});

test('a thousand waits on one signal leave nothing behind', async () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 1000; count += 1) await untilAborted(Promise.resolve(), signal);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a promise that fails after the signal has aborted is no unhandled rejection', async () => {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<void>();
  const waiting = untilAborted(promise, controller.signal);
  controller.abort(new RangeError('gone'));
  await assert.rejects(waiting, RangeError);
  reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
});

test('a promise that fails when the signal had aborted before is no unhandled rejection, and no listener stays', async () => {
  const signal = AbortSignal.abort(new RangeError('gone'));
  const { promise, reject } = Promise.withResolvers<void>();
  await assert.rejects(untilAborted(promise, signal), new RangeError('gone'));
  reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
