import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { tempDir } from '../../test/kit/temp.ts';
import { run } from '../../test/parts/run.ts';
import { tarOf } from './tar.ts';

describe('a tar archive', { skip: process.platform === 'linux' ? false : 'needs GNU tar' }, () => {
  test("is listed by the system's tar with directories, files, links and modes", async () => {
    using directory = tempDir();
    const archive = tarOf([
      { name: 'bin/', mode: 0o755 },
      { name: 'bin/tool', mode: 0o750, content: Buffer.from('#!') },
      { name: 'bin/link', linkTo: 'tool' },
    ]);
    const file = directory.write('a.tar', archive);
    const { stdout } = await run('tar', ['--numeric-owner', '--utc', '-tvf', file]);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replaceAll(/\s+/g, ' '));
    assert.deepEqual(lines, [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
      '-rwxr-x--- 0/0 2 1970-01-01 00:00 bin/tool',
      'lrw-r--r-- 0/0 0 1970-01-01 00:00 bin/link -> tool',
    ]);
  });

  test('gives back all contents unchanged', async () => {
    using directory = tempDir();
    const contents = fc.array(fc.uint8Array({ maxLength: 1500 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(contents, async (files) => {
        const archive = tarOf(files.map((content, index) => ({ name: `file-${index}`, content })));
        const file = directory.write('a.tar', archive);
        const { stdout } = await run('bash', ['-c', 'tar -xOf "$1" | base64 -w0', 'bash', file]);
        assert.equal(stdout, Buffer.concat(files).toString('base64'));
      }),
      { numRuns: 10 },
    );
  });
});
