/** An installation as `npm install -g larder` makes it: without the clients of the clouds, which are optional peers. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { get, startLarder, startUpstream, tempDir, waitFor } from '../kit/index.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Copies the program, with links to the packages that npm installs along with it. Gives the path of its executable. */
function installInto(directory: string): string {
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
  };
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const link = join(directory, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  return join(directory, 'bin/larder');
}

test('a provider whose client is not installed is a failed login that names the package and the command that installs it', async () => {
  using directory = tempDir();
  await using registry = await startUpstream();
  const missing = {
    'aws.example': { provider: 'ecr', client: '@aws-sdk/client-ecr', version: 3 },
    'public.ecr.aws': { provider: 'ecr', client: '@aws-sdk/client-ecr-public', version: 3 },
    'google.example': { provider: 'gcp', client: 'google-auth-library', version: 11 },
    'azure.example': { provider: 'acr', client: '@azure/identity', version: 4 },
  };
  const caches = Object.entries(missing).map(([upstream, { provider }]) => ({
    upstream,
    provider,
    ...(upstream !== 'public.ecr.aws' && { remoteURL: registry.url }),
  }));
  await using larder = await startLarder({
    executable: installInto(directory.path),
    config: {
      apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
      kind: 'RegistryConfig',
      caches,
    },
  });
  for (const [upstream, { provider, client, version }] of Object.entries(missing)) {
    const reason = `the package ${client} is not installed`;
    const hint = `run: npm install -g ${client}@${version}, and restart Larder`;
    const warnings = await waitFor(() => {
      const found = larder.logs.filter(
        (line) => line['upstream'] === upstream && line.msg === 'no cloud login',
      );
      return found.length > 0 && found;
    });
    assert.deepEqual(
      warnings.map(({ level, error, hint: advice }) => ({ level, error, advice })),
      [{ level: 'warn', error: reason, advice: hint }],
    );
    const answer = await get(`${larder.registry}/v2/${upstream}/team/app/manifests/v1`);
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['cache-status'], 'larder; detail=UPSTREAM_CREDENTIAL_UNAVAILABLE');
    const { errors } = JSON.parse(answer.text()) as { errors: { code: string; message: string }[] };
    assert.deepEqual(
      errors.map(({ code, message }) => ({ code, message })),
      [{ code: 'UNAVAILABLE', message: `${upstream}: ${reason} (provider ${provider}); ${hint}` }],
    );
    assert.equal(await larder.metric('larder_cloud_login_failing', { upstream_host: upstream }), 1);
  }
  assert.equal(registry.count(), 0);
  assert.doesNotMatch(JSON.stringify(larder.logs), /node:internal|ERR_MODULE_NOT_FOUND|stack/);
  assert.deepEqual(await larder.stop(), { code: 0, signal: null });
});
