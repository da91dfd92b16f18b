import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock, sleep } from './clock.ts';
import { isLarderError } from './errors.ts';
import { createLogger, silentLogger } from './logger.ts';
import { TaskGroup } from './task-group.ts';

describe('closing a group', () => {
  test('aborts its jobs with SHUTTING_DOWN and waits for the last to end', async () => {
    const group = new TaskGroup(silentLogger);
    const end = Promise.withResolvers<void>();
    let reason: unknown;
    group.run('slow', async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      reason = signal.reason;
      await end.promise;
    });
    let closed = false;
    const closing = group.close().then(() => (closed = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(isLarderError(reason, 'SHUTTING_DOWN'));
    assert.equal(closed, false);
    end.resolve();
    await closing;
    assert.equal(group.size, 0);
  });

  test('waits for jobs that were started while it closes, and those see an aborted signal', async () => {
    const group = new TaskGroup(silentLogger);
    const seen: boolean[] = [];
    group.run('first', async () => {
      await Promise.resolve();
      group.run('second', async (signal) => {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(signal.aborted);
      });
    });
    await group.close();
    assert.deepEqual(seen, [true]);
    assert.equal(group.size, 0);
  });

  test('can be done twice', async () => {
    const group = new TaskGroup(silentLogger);
    await group.close();
    await group.close();
  });
});

test('idle waits for jobs without aborting them', async () => {
  const group = new TaskGroup(silentLogger);
  let done = false;
  group.run('job', async (signal) => {
    await new Promise((resolve) => setImmediate(resolve));
    done = !signal.aborted;
  });
  await group.idle();
  assert.equal(done, true);
});

test('a job that fails is logged once under its name, and the others go on', async () => {
  const lines: string[] = [];
  const group = new TaskGroup(
    createLogger({ level: 'error', format: 'json' }, (line) => void lines.push(line)),
  );
  let others = 0;
  group.run('broken', () => Promise.reject(new RangeError('no space')));
  group.run('fine', async () => void (others += 1));
  await group.idle();
  assert.equal(others, 1);
  assert.equal(lines.length, 1);
  const { job, error } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.deepEqual([job, error], ['broken', 'no space']);
});

test('a job that fails because the group closes is not worth a line', async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const group = new TaskGroup(
    createLogger({ level: 'error', format: 'json' }, (line) => void lines.push(line)),
  );
  group.run('sleeper', (signal) => sleep(clock, 1000, signal));
  await group.close();
  assert.deepEqual(lines, []);
  assert.equal(clock.pending, 0);
});
