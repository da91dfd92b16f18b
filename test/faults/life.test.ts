/** Start, stop, crash, restart, and changes of the configuration while it runs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { on } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import {
  EXECUTABLE,
  blobOf,
  createTestPki,
  get,
  imageOf,
  measureMachine,
  pullImage,
  runLarder,
  startUpstream,
  tempDir,
  tlsFlags,
  waitFor,
  type CommandResult,
  type GetResult,
  type TestBlob,
} from '../kit/index.ts';
import { blobUrl, configWith, HEAVY, manifestUrl, MiB, startCache } from './setting.ts';

const KILLS = HEAVY ? 30 : 5;

test(`${KILLS} SIGKILLs under load: nobody gets a wrong body, and what was fetched is used again`, async (context) => {
  const image = imageOf({ layers: [16 * MiB, 16 * MiB, 16 * MiB, 16 * MiB] });
  const total = 64 * MiB;
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  using directory = tempDir();
  const store = join(directory.path, 'store');

  const blobBytes = (): number => upstream.bodyBytes({ kind: 'blob' });
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await using larder = await startCache(upstream, { store });
    const slow = upstream.faults.add({ match: { kind: 'blob' }, bytesPerSecond: 4 * MiB });
    const goal = Math.max(blobBytes(), ((kill - 1) / KILLS) * total) + total / KILLS / 2;
    // The manifest states the sizes, and every layer has two readers.
    const pulls = get(manifestUrl(larder, 'team/app', 'v1')).then(() =>
      Promise.all(
        image.layers.flatMap((layer) => [
          tolerant(blobUrl(larder, 'team/app', layer), layer),
          tolerant(blobUrl(larder, 'team/app', layer), layer),
        ]),
      ),
    );
    await waitFor(() => blobBytes() >= goal, { limitMs: 20_000 });
    assert.deepEqual(await larder.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
    for (const [index, answer] of (await pulls).entries()) {
      if (answer === undefined) continue;
      assert.equal(answer.matches, true, `kill ${kill}, reader ${index}`);
      if (answer.complete) assert.equal(answer.bytes, 16 * MiB);
    }
    slow.remove();
  }

  await using larder = await startCache(upstream, { store });
  assert.equal((await pullImage(larder.registry, 'team/app', 'v1')).digest, image.digest);
  // Each kill loses only the bytes that four downloads had in sockets and buffers. Downloads that began again would cost more than
  // half the number of kills.
  const ratio = blobBytes() / total;
  context.diagnostic(`${ratio.toFixed(3)} times the bytes in ${KILLS + 1} lives`);
  assert.ok(ratio < 1 + KILLS * 0.06, `${ratio} times the bytes in ${KILLS + 1} lives`);
  assert.equal(await larder.metric('larder_corrupt_blobs_total'), 0);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`after ${signal} a warm store serves its images without any upstream`, async () => {
    const image = imageOf({ layers: [100, 3 * MiB] });
    await using upstream = await startUpstream();
    upstream.push('team/app', image, 'v1');
    using directory = tempDir();
    const store = join(directory.path, 'store');
    {
      await using larder = await startCache(upstream, { store });
      await pullImage(larder.registry, 'team/app', 'v1');
      await larder.stop(signal);
    }
    await upstream.refuse();
    upstream.reset();
    await using larder = await startCache(upstream, { store });
    assert.equal((await pullImage(larder.registry, 'team/app', 'v1')).digest, image.digest);
    assert.equal((await pullImage(larder.registry, 'team/app', image.digest)).digest, image.digest);
    assert.equal(upstream.count(), 0);
  });
}

test('a lost index costs no blob body: with the upstream up, pulls succeed by asking for confirmation', async () => {
  const image = imageOf({ layers: [100, 3 * MiB] });
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  using directory = tempDir();
  const store = join(directory.path, 'store');
  {
    await using larder = await startCache(upstream, { store });
    await pullImage(larder.registry, 'team/app', 'v1');
    await larder.stop();
  }
  const indexFiles = readdirSync(store).filter((name) => name.startsWith('index'));
  assert.ok(indexFiles.length > 0);
  for (const name of indexFiles) rmSync(join(store, name));
  upstream.reset();
  await using larder = await startCache(upstream, { store });
  assert.equal((await pullImage(larder.registry, 'team/app', 'v1')).digest, image.digest);
  assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), 0);
});

test('an index that is damaged is replaced, and pulls succeed', async () => {
  const image = imageOf({ layers: [3 * MiB] });
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  using directory = tempDir();
  const store = join(directory.path, 'store');
  {
    await using larder = await startCache(upstream, { store });
    await pullImage(larder.registry, 'team/app', 'v1');
    await larder.stop();
  }
  for (const name of readdirSync(store)) {
    if (name.startsWith('index')) directory.write(`store/${name}`, Buffer.alloc(8192, 0x5a));
  }
  upstream.reset();
  await using larder = await startCache(upstream, { store });
  assert.equal((await pullImage(larder.registry, 'team/app', 'v1')).digest, image.digest);
  assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), 0);
});

test('SIGTERM: not ready any more, still alive, the listener answers, the running response ends whole, exit 0', async () => {
  const blob = blobOf(4 * MiB, 1);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  upstream.push('team/app', imageOf(), 'v1');
  const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: MiB });
  await using larder = await startCache(upstream);
  assert.equal((await get(`${larder.admin}/healthz`)).status, 200);
  assert.equal((await get(`${larder.admin}/readyz`)).status, 200);

  const running = get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
  await pause.reached();
  const stopped = larder.stop();
  await waitFor(async () => (await get(`${larder.admin}/readyz`)).status === 503);
  assert.equal((await get(`${larder.admin}/healthz`)).status, 200);
  assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 200);
  pause.release();
  const answer = await running;
  assert.equal(answer.complete && answer.matches && answer.bytes === blob.size, true);
  assert.deepEqual(await stopped, { code: 0, signal: null });
  assert.ok(larder.logs.some((line) => line.event === 'stopped'));
});

const heavyOnly = { skip: HEAVY ? false : 'takes 30 s of real time: LARDER_HEAVY=1' };

test('SIGTERM cuts a response that does not end after 30 s, and exits with 0', heavyOnly, async () => {
  const blob = blobOf(4 * MiB, 1);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: MiB });
  await using larder = await startCache(upstream);
  const stuck = get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
  await pause.reached();
  const { limit } = await measureMachine();
  const begin = performance.now();
  assert.deepEqual(await larder.stop(), { code: 0, signal: null });
  const ms = performance.now() - begin;
  assert.ok(ms > 29_000 && ms < 29_000 + limit(6_000), `${ms} ms`);
  const answer = await stuck;
  assert.equal(answer.complete, false);
  assert.equal(answer.matches, true);
});

test('SIGINT of an idle cache exits with 0 at once, also with kept connections', async () => {
  await using upstream = await startUpstream();
  await using larder = await startCache(upstream);
  const agent = new Agent({ keepAlive: true });
  await get(`${larder.registry}/v2/`, { agent });
  const { limit } = await measureMachine();
  const begin = performance.now();
  assert.deepEqual(await larder.stop('SIGINT'), { code: 0, signal: null });
  assert.ok(performance.now() - begin < limit(5_000));
  agent.destroy();
});

test('the cache goes on when nobody reads its log any more', async () => {
  using directory = tempDir();
  const listen = ['--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0', '--store', directory.path];
  const log = ['--log-format', 'json', '--log-level', 'debug'];
  const child = spawn(EXECUTABLE, ['serve', ...listen, ...log], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const lines = on(createInterface(child.stderr), 'line') as AsyncIterable<[string]>;
    let registry = '';
    for await (const [line] of lines) {
      registry = (JSON.parse(line) as { registry?: string }).registry ?? '';
      if (registry !== '') break;
    }
    child.stderr.destroy();
    // Each request is a line.
    for (let count = 0; count < 5; count += 1) assert.equal((await get(`${registry}/v2/`)).status, 200);
    assert.equal(child.exitCode, null);
  } finally {
    child.kill('SIGKILL');
  }
});

suite('what cannot start says so in a sentence', { concurrency: 2 }, () => {
  test('a second instance on the same store: exit 1', async () => {
    await using upstream = await startUpstream();
    await using larder = await startCache(upstream);
    const second = await serve(['--store', larder.store]);
    assertSentence(second, 1, larder.store);
    assert.match(second.stderr, /in use|another/i);
  });

  test('an address in use: exit 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      for (const flag of ['--address', '--admin-address']) {
        using directory = tempDir();
        const result = await serve(['--store', join(directory.path, 'store'), flag, address]);
        assertSentence(result, 1, address);
        assert.match(result.stderr, new RegExp(flag));
      }
    } finally {
      other.close();
    }
  });

  test('a store that cannot be written: exit 1', async () => {
    using directory = tempDir();
    const file = directory.write('file', 'not a directory');
    assertSentence(await serve(['--store', join(file, 'store')]), 1, join(file, 'store'));
    if (process.getuid?.() !== 0) {
      const locked = join(directory.path, 'locked');
      mkdirSync(locked);
      chmodSync(locked, 0o500);
      assertSentence(await serve(['--store', join(locked, 'store')]), 1, locked);
    }
    assertSentence(await serve(['--store', '/proc/larder']), 1, '/proc/larder');
  });

  test('TLS files that are missing or no match: exit 1', async () => {
    using directory = tempDir();
    const store = ['--store', join(directory.path, 'store')];
    const junk = directory.write('junk.pem', 'no certificate');
    const missing = join(directory.path, 'missing.pem');
    assertSentence(await serve([...store, '--tls-cert', missing, '--tls-key', junk]), 1, missing);
    assertSentence(await serve([...store, '--tls-cert', junk, '--tls-key', junk]), 1, junk);
    assertSentence(await serve([...store, '--tls-cert', junk]), 2, '--tls-key');
  });

  test('a configuration that is missing or wrong: exit 2, with every problem and its field path', async () => {
    using directory = tempDir();
    const store = ['--store', join(directory.path, 'store')];
    const missing = join(directory.path, 'missing.yaml');
    assertSentence(await serve([...store, '--config', missing]), 2, missing);
    const wrong = directory.write(
      'wrong.yaml',
      JSON.stringify({
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [
          { upstream: 'Bad Host' },
          { upstream: 'ghcr.io', garbageCollection: { ttl: 'soon' }, other: 1 },
        ],
      }),
    );
    const result = await serve([...store, '--config', wrong]);
    assert.equal(result.code, 2);
    for (const path of ['caches[0].upstream', 'caches[1].garbageCollection.ttl', 'caches[1].other']) {
      assert.ok(result.stderr.includes(path), `${path} in ${result.stderr}`);
    }
    assert.doesNotMatch(result.stderr, /\n\s+at /);
    assert.deepEqual(
      readdirSync(directory.path).includes('store'),
      false,
      'nothing is made before it is valid',
    );
  });

  test('wrong usage: exit 2', async () => {
    for (const args of [
      ['serve', '--no-such-flag'],
      ['no-such-command'],
      ['serve', '--address', 'nonsense'],
      ['serve', '--max-size', '-1'],
      ['serve', '--log-level', 'loud'],
    ]) {
      const result = await runLarder(args);
      assert.equal(result.code, 2, args.join(' '));
      assert.doesNotMatch(result.stderr, /\n\s+at /);
    }
    assertSentence(await serve(['--default-upstream', 'nobody.example']), 2, 'nobody.example');
  });
});

test('a changed configuration takes effect, a bad one is refused and shows, and no request is dropped meanwhile', async () => {
  const blob = blobOf(6 * MiB, 1);
  await using upstream = await startUpstream();
  await using other = await startUpstream();
  upstream.push('team/app', blob);
  upstream.push('team/app', imageOf(), 'v1');
  other.push('team/app', imageOf({ seed: 2 }), 'v1');
  const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: MiB, nth: 1 });
  await using larder = await startCache(upstream);
  const applied = (): Promise<number> => larder.metric('larder_config_reloads_total', { result: 'applied' });

  const long = get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
  await pause.reached();
  const failures: unknown[] = [];
  const done = new AbortController();
  const crowd = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        const answer = await get(manifestUrl(larder, `${upstream.host}/team/app`, 'v1')).catch(
          (error: unknown) => error,
        );
        if ((answer as GetResult).status !== 200) failures.push(answer);
      }
    }),
  );
  using _ = { [Symbol.dispose]: () => done.abort() };

  const both = (slash: string): object => {
    // Another spelling of the URL: another client, so that the old one has to end in order.
    const first = { upstream: upstream.host, remoteURL: `${upstream.url}${slash}` };
    return configWith([first, { upstream: other.host, remoteURL: other.url }]);
  };
  larder.writeConfig(both('/'));
  await waitFor(async () => (await applied()) === 1);
  await pullImage(larder.registry, 'team/app', 'v1', { alias: other.host });

  larder.writeConfig('caches: [{ upstream: "not a host" }]');
  await waitFor(async () => (await larder.metric('larder_config_valid')) === 0);
  assert.equal(await larder.metric('larder_config_reloads_total', { result: 'refused' }), 1);
  const refused = await larder.event('config-refused');
  assert.match(JSON.stringify(refused), /caches\[0\]\.upstream/);
  await pullImage(larder.registry, 'team/app', 'v1', { alias: other.host });

  larder.writeConfig(both(''));
  await waitFor(async () => (await applied()) === 2);
  assert.equal(await larder.metric('larder_config_valid'), 1);

  // The long download began two configurations ago; now its connection breaks, and it has to go on all the same.
  upstream.hangUp();
  pause.release();
  const answer = await long;
  assert.equal(answer.complete && answer.matches && answer.bytes === blob.size, true);
  done.abort();
  await crowd;
  assert.deepEqual(failures, []);
});

test('memory is flat in the size of blobs', async (context) => {
  const size = (HEAVY ? 1024 : 128) * MiB;
  const [small, large] = [blobOf(32 * MiB, 1), blobOf(size, 2)];
  await using upstream = await startUpstream();
  upstream.push('team/app', small);
  upstream.push('team/app', large);
  await using larder = await startCache(upstream);
  const rss = (): Promise<number> => larder.metric('process_resident_memory_bytes');

  const pull = async (blob: TestBlob): Promise<void> => {
    const answer = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
    assert.equal(answer.complete && answer.matches, true);
  };
  await pull(small);
  await pull(small);
  const before = await rss();
  await pull(large);
  await pull(large);
  const after = await rss();
  context.diagnostic(
    `${Math.round(before / MiB)} MiB, and ${Math.round(after / MiB)} MiB after a blob of ${size / MiB} MiB`,
  );
  assert.ok(
    after - before < 48 * MiB,
    `${Math.round((after - before) / MiB)} MiB more after ${size / MiB} MiB`,
  );
  assert.ok(after < 200 * MiB, `${Math.round(after / MiB)} MiB`);
});

test('within 30 s after a load no more descriptors are open than before it', heavyOnly, async () => {
  const images = Array.from({ length: 40 }, (_, seed) => imageOf({ seed, layers: [1000, 100_000] }));
  await using upstream = await startUpstream();
  for (const [index, image] of images.entries()) upstream.push('team/app', image, `v${index}`);
  await using larder = await startCache(upstream);
  const open = (): string[] => openOf(larder.pid);
  const before = open().length;
  // Clients that would keep their connections for ever.
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  try {
    for (const _ of [1, 2]) {
      const urls = images.flatMap(({ blobs }, index) => [
        manifestUrl(larder, 'team/app', `v${index}`),
        ...blobs.map((blob) => blobUrl(larder, 'team/app', blob)),
      ]);
      const answers = await Promise.all(urls.map((url) => get(url, { agent, body: 'hash' })));
      assert.ok(answers.every(({ status }) => status === 200));
    }
    assert.ok(open().length > before + 100, `${before} before, ${open().length} at the end of the load`);
    const isAsBefore = (): boolean => open().length <= before + 3;
    await waitFor(isAsBefore, { limitMs: 30_000, everyMs: 200 }).catch(() => {});
    assert.ok(isAsBefore(), `${before} before, and 30 s after the load: ${open().join(', ')}`);
  } finally {
    agent.destroy();
  }
});

test('the listener speaks TLS with its files, takes new ones without a restart, and keeps the old ones when they are bad', async () => {
  const [first, second] = [createTestPki(), createTestPki()];
  await using upstream = await startUpstream();
  using directory = tempDir();
  const write = (pair: { cert: string; key: string }): string[] => tlsFlags(directory, pair);
  await using larder = await startCache(upstream, { flags: write(first.server()) });
  assert.match(larder.registry, /^https:/);
  const ping = async (ca: string): Promise<number> => (await get(`${larder.registry}/v2/`, { ca })).status;
  assert.equal(await ping(first.caPem), 200);
  write(second.server());
  await waitFor(async () => (await ping(second.caPem)) === 200);
  write({ cert: 'junk', key: 'junk' });
  await waitFor(() => larder.logs.some((line) => line.level === 'error'));
  assert.equal(await ping(second.caPem), 200);
});

/** A GET that a crash may break before its headers. */
function tolerant(url: string, blob: TestBlob): Promise<GetResult | undefined> {
  return get(url, { body: { expect: blob } }).catch(() => undefined);
}

function serve(args: readonly string[]): Promise<CommandResult> {
  return runLarder(['serve', '--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0', ...args]);
}

/** Files and sockets that a process has open. */
function openOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** Ended with `code`, named `thing`, and showed nobody a stack trace. */
function assertSentence(result: CommandResult, code: number, thing: string): void {
  assert.equal(result.code, code, result.stderr);
  assert.ok(result.stderr.includes(thing), `${thing} in: ${result.stderr}`);
  assert.doesNotMatch(result.stderr, /\n\s+at |node:internal/);
  assert.ok(result.stderr.trim().split('\n').length <= 3, result.stderr);
}
