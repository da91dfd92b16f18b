import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import {
  assertNoLeaks,
  gate,
  get,
  imageOf,
  parseMetrics,
  pullImage,
  startUpstream,
  tempDir,
  waitFor,
} from './index.ts';
import { QUIET_PULL_MS, type Measurement } from './machine.ts';
import { createWaitFor } from './wait.ts';

const QUIET: Measurement = { pullMs: QUIET_PULL_MS, lateMs: 0, load: 1 };

test('waiting returns the awaited value, and names one that did not come', async () => {
  let looks = 0;
  assert.equal(await waitFor(() => (looks += 1) > 2 && 'here', { everyMs: 1 }), 'here');
  const waitForOnQuiet = createWaitFor(async () => QUIET);
  const never = waitForOnQuiet(
    () => {
      throw new Error('not yet');
    },
    { limitMs: 10, what: 'Godot' },
  );
  await assert.rejects(never, { message: 'waited 10 ms in vain for: Godot', cause: new Error('not yet') });
});

test('waiting takes longer on a slow machine, which is measured once the limit has passed', async () => {
  let measurements = 0;
  const waitForOnSlow = createWaitFor(async () => {
    measurements += 1;
    return { ...QUIET, pullMs: 10 * QUIET_PULL_MS };
  });
  assert.equal(await waitForOnSlow(() => true), true);
  assert.equal(measurements, 0);
  const begin = performance.now();
  assert.equal(await waitForOnSlow(() => performance.now() > begin + 200, { limitMs: 100 }), true);
  const never = waitForOnSlow(() => false, { limitMs: 20, what: 'Godot' });
  await assert.rejects(never, { message: 'waited 200 ms in vain for: Godot' });
  assert.equal(measurements, 2);
});

test('a gate lets all waits through once it is open', async () => {
  const door = gate();
  assert.equal(door.isOpen, false);
  door.open();
  await door.passed;
  assert.equal(door.isOpen, true);
});

test('a temporary directory is removed with its content', () => {
  let path = '';
  {
    using dir = tempDir();
    path = dir.path;
    assert.equal(readFileSync(dir.write('a/b/c', 'text'), 'utf8'), 'text');
  }
  assert.equal(existsSync(path), false);
});

test('a disposed upstream leaves nothing behind', async () => {
  await assertNoLeaks(async () => {
    await using upstream = await startUpstream({ redirect: {}, auth: 'bearer', token: { at: 'own-port' } });
    upstream.push('r', imageOf(), 'v1');
    await pullImage(upstream.url, 'r', 'v1');
    upstream.faults.add({ hold: true });
    await get(`${upstream.url}/v2/`, { signal: AbortSignal.timeout(20) }).catch(() => {});
  });
});

test('a listener and a directory that were left are found', async () => {
  const server = createServer();
  const dirs = [tempDir()];
  await assertNoLeaks(async () => {});
  const leak = async (): Promise<void> => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    dirs.push(tempDir());
  };
  await assert.rejects(assertNoLeaks(leak, 20), /left behind: 1 x TCPServerWrap, 1 x larder-test-/);
  server.close();
  for (const dir of dirs) dir[Symbol.dispose]();
});

test('metrics are read with their labels, declarations and odd values', () => {
  const metrics = parseMetrics(
    [
      '# HELP hits Hits.',
      '# TYPE hits counter',
      'hits{host="a",type="blob"} 2',
      'hits{host="a",type="manifest"} 3 1700000000000',
      'hits{host="b \\"quoted\\"",type="blob"} 1e3',
      '# TYPE quiet gauge',
      'up +Inf',
    ].join('\n'),
  );
  assert.equal(metrics.sum('hits'), 1005);
  assert.equal(metrics.sum('hits', { host: 'a' }), 5);
  assert.equal(metrics.sum('hits', { host: 'b "quoted"', type: 'blob' }), 1000);
  assert.equal(metrics.sum('nothing'), 0);
  assert.deepEqual(
    [metrics.declares('quiet'), metrics.declares('loud'), metrics.sum('up')],
    [true, false, Infinity],
  );
  assert.throws(() => parseMetrics('<html>'), /no line of Prometheus text/);
});
