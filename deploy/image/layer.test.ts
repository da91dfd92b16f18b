import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { tempDir } from '../../test/kit/temp.ts';
import { layerOf } from './layer.ts';
import { run } from './run.ts';
import type { TarEntry } from './tar.ts';

const FILES: readonly TarEntry[] = [
  { name: 'usr/bin/tool', mode: 0o755, content: Buffer.from('#!') },
  { name: 'usr/lib/a.so', content: Buffer.from('a') },
  { name: 'usr/bin/link', mode: 0o777, linkTo: 'tool' },
  { name: 'var/own/', mode: 0o700, owner: 65_532 },
];

describe('a layer', () => {
  test('lists files after their directories, sorted, with owner and date', async () => {
    using directory = tempDir();
    const { blob } = await layerOf('test', FILES, 86_400);
    const file = directory.write('layer.tar.gz', blob);
    const listed = await run('tar', ['--numeric-owner', '--utc', '-tzvf', file]);
    assert.deepEqual(
      listed
        .trim()
        .split('\n')
        .map((line) => line.replaceAll(/\s+/g, ' ').replace(' 1970-01-02 00:00', '')),
      [
        'drwxr-xr-x 0/0 0 usr/',
        'drwxr-xr-x 0/0 0 usr/bin/',
        'lrwxrwxrwx 0/0 0 usr/bin/link -> tool',
        '-rwxr-xr-x 0/0 2 usr/bin/tool',
        'drwxr-xr-x 0/0 0 usr/lib/',
        '-rw-r--r-- 0/0 1 usr/lib/a.so',
        'drwxr-xr-x 0/0 0 var/',
        'drwx------ 65532/65532 0 var/own/',
      ],
    );
  });

  test('does not depend on the order in which files are given', async () => {
    const { blob, diffId } = await layerOf('test', FILES, 7);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...FILES], { minLength: FILES.length }), async (files) => {
        const again = await layerOf('test', files, 7);
        assert.equal(again.diffId, diffId);
        assert.deepEqual(again.blob, blob);
      }),
    );
    assert.ok(gunzipSync(blob).length > 0);
  });

  test('differs if its files or its date differ', async () => {
    const { diffId } = await layerOf('test', FILES, 7);
    assert.notEqual((await layerOf('test', FILES, 8)).diffId, diffId);
    assert.notEqual((await layerOf('test', FILES.slice(1), 7)).diffId, diffId);
  });

  test('rejects two files of one name, and names that would be cut', async () => {
    const [file] = FILES;
    await assert.rejects(layerOf('test', [...FILES, file!], 0), /the same name/);
    await assert.rejects(layerOf('test', [{ name: 'x'.repeat(101) }], 0), /100 bytes at most/);
    await assert.rejects(layerOf('test', [{ name: 'a', linkTo: 'x'.repeat(101) }], 0), /100 bytes at most/);
  });
});
