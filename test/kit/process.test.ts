import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, runLarder, startLarder } from './index.ts';

const executable = fileURLToPath(new URL('fake-larder.ts', import.meta.url));

test('a server is started with its files, asked and stopped', async () => {
  let store = '';
  {
    await using larder = await startLarder({
      executable,
      config: { caches: [{ upstream: 'docker.io' }] },
      secrets: { login: { username: 'alice' } },
      flags: ['--extra', 'flag'],
      env: { LARDER_LOG_LEVEL: 'debug' },
    });
    store = larder.store;
    const seen = (await get(`${larder.registry}/seen`)).json() as Record<string, string>;
    assert.equal(seen['config'], JSON.stringify({ caches: [{ upstream: 'docker.io' }] }, null, 2));
    assert.equal(seen['username'], 'alice');
    assert.equal(seen['level'], 'debug');
    assert.match(
      seen['arguments'] ?? '',
      /^serve --address 127\.0\.0\.1:0 --admin-address 127\.0\.0\.1:0 .*--extra flag$/,
    );
    assert.equal(await larder.metric('registry_proxy_hits_total', { type: 'blob' }), 2);
    larder.writeConfig('new');
    larder.writeSecret('login', 'username', 'bob');
    const changed = (await get(`${larder.registry}/seen`)).json() as Record<string, string>;
    assert.deepEqual([changed['config'], changed['username']], ['new', 'bob']);
    assert.equal((await larder.event('ready'))['registry'], larder.registry);
    assert.deepEqual(await larder.stop(), { code: 0, signal: null });
  }
  assert.equal(existsSync(store), false);
});

test('a killed server has not ended by itself, and its logs stay', async () => {
  await using larder = await startLarder({ executable });
  assert.deepEqual(await larder.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
  assert.deepEqual(await larder.exited, { code: null, signal: 'SIGKILL' });
  assert.equal(larder.logs[0]?.msg, 'not json');
  await assert.rejects(larder.event('never'), /ended .* before it logged "event":"never"/);
});

test('a server that does not start fails with its log', async () => {
  await assert.rejects(
    startLarder({ executable, flags: ['--fail'] }),
    /did not start; its log:[^]*disk on fire/,
  );
});

test('a scope that is left ends the server', async () => {
  let pid = 0;
  {
    await using larder = await startLarder({ executable });
    pid = larder.pid;
  }
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('a command gives its output and exit code', async () => {
  const result = await runLarder(['echo', 'a'], { executable, input: 'typed' });
  assert.deepEqual(result, { code: 3, signal: null, stdout: 'echo a typed', stderr: 'complaint\n' });
  const hung = await runLarder(['hang'], { executable, limitMs: 200 });
  assert.equal(hung.signal, 'SIGKILL');
});
