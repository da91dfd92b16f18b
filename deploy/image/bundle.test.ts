import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { join } from 'node:path';
import { startCloud, startLarder, startUpstream, tempDir, waitFor } from '../../test/kit/index.ts';
import { run } from './run.ts';
import { bundle, ENTRY } from './bundle.ts';
import { writeBelow } from './file-tree.ts';
import { larderFiles } from './larder-files.ts';
import { createNpmLock } from './npm-lock.ts';

const CLOUD_CLIENTS = [
  '@aws-sdk/client-ecr',
  '@aws-sdk/client-ecr-public',
  '@azure/identity',
  'google-auth-library',
];

const built = await bundle();

describe('the bundle', () => {
  test('contains the cloud clients, and loads none of their code at start', () => {
    for (const name of CLOUD_CLIENTS) assert.ok(built.packages.includes(`node_modules/${name}`), name);
    assert.deepEqual(
      built.packagesAtStart.filter((path) => /aws|azure|google|smithy/.test(path)),
      [],
    );
    assert.ok(built.packagesAtStart.includes('node_modules/commander'));
  });

  test('is started by the kernel without a shell, with the flag of bin/larder', () => {
    const [first] = Buffer.from(built.files.get(ENTRY) ?? [])
      .toString()
      .split('\n');
    assert.equal(first, '#!/usr/bin/node --max-semi-space-size=1');
  });
});

describe('the files of the image, on this machine', () => {
  const directory = tempDir();
  after(() => directory[Symbol.dispose]());
  writeBelow(directory.path, larderFiles(built, '1.2.3-image', createNpmLock()));
  const program = join(directory.path, 'usr/bin/larder');
  // The program's first line names the image's Node.js. This file is run by the Node.js of the test.
  const executable = directory.write('start.ts', `await import(${JSON.stringify(program)});\n`);

  test('know their version when started through the link in /usr/bin', async () => {
    assert.equal(await run(process.execPath, [program, '--version']), '1.2.3-image\n');
  });

  const logins = { ecr: 'ecr', gcp: 'google', acr: 'azure' } as const;
  for (const provider of ['ecr', 'gcp', 'acr'] as const)
    for (const behindProxy of [false, true])
      test(`request a login for the provider ${provider}, ${behindProxy ? 'through a proxy' : 'directly'}`, async () => {
        await using cloud = await startCloud('hush', { behindProxy });
        await using upstream = await startUpstream();
        const caches = [{ upstream: upstream.host, remoteURL: upstream.url, provider }];
        await using larder = await startLarder({
          executable,
          env: cloud.environment,
          config: {
            apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
            kind: 'RegistryConfig',
            caches,
          },
        });
        await waitFor(() => cloud.count(logins[provider]) > 0, {
          what: 'the request for a login',
        });
        assert.deepEqual(await larder.stop('SIGTERM'), { code: 0, signal: null });
      });
});
