/** Tests the package as a user installs it: packed, installed globally under a prefix, run with the Node of the system. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, imageOf, startLarder, startUpstream, tempDir } from '../kit/index.ts';
import { run } from '../parts/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** PATH without the Node of this checkout's `npm ci`. */
const PATH = (process.env['PATH'] ?? '')
  .split(':')
  .filter((directory) => !directory.includes('node_modules'))
  .join(':');

/** Retries of npm, which waits 300 s for a lost answer by default. */
const RETRIES = ['--prefer-offline', '--fetch-timeout=15000', '--fetch-retries=5'];

test('npm pack, npm install -g, larder: it runs, serves and stops with the Node of the system', async () => {
  using directory = tempDir();
  const options = { env: { PATH }, limit: 180_000 };
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory.path], {
    ...options,
    cwd: ROOT,
  });
  const tarball = readdirSync(directory.path).find((name) => name.endsWith('.tgz'));
  const prefix = join(directory.path, 'global');
  await run(
    'npm',
    ['install', '-g', ...RETRIES, '--prefix', prefix, join(directory.path, tarball ?? '')],
    options,
  );
  const executable = join(prefix, 'bin', 'larder');

  const { version } = JSON.parse(
    (await run('npm', ['pkg', 'get', 'name', 'version'], { ...options, cwd: ROOT })).stdout,
  ) as {
    version: string;
  };
  assert.equal((await run(executable, ['--version'], options)).stdout, `${version}\n`);

  await using upstream = await startUpstream();
  upstream.push('team/app', imageOf({ layers: [1000] }), 'v1');
  await using larder = await startLarder({
    executable,
    env: { PATH },
    config: {
      apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
      kind: 'RegistryConfig',
      caches: [{ upstream: upstream.host, remoteURL: upstream.url }],
    },
  });
  assert.equal((await get(`${larder.registry}/v2/team/app/manifests/v1`)).status, 200);
  assert.deepEqual(await larder.stop('SIGTERM'), { code: 0, signal: null });
});
