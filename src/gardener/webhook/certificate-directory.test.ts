import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { writeCertificate } from './certificate-directory.ts';

test('the directory is made, holds the two files and nothing else, and only the owner can read them', async () => {
  using temp = tempDir();
  const directory = join(temp.path, 'a', 'b');
  for (const version of ['1', '2']) {
    await writeCertificate(directory, { certificate: `c${version}`, key: `k${version}` });
    assert.deepEqual(readdirSync(directory).toSorted(), ['tls.crt', 'tls.key']);
    assert.equal(readFileSync(join(directory, 'tls.crt'), 'utf8'), `c${version}`);
    assert.equal(readFileSync(join(directory, 'tls.key'), 'utf8'), `k${version}`);
    assert.equal(statSync(join(directory, 'tls.key')).mode & 0o777, 0o600);
    assert.equal(statSync(directory).mode & 0o027, 0);
  }
});

test('a directory that cannot be made is an error', async () => {
  using temp = tempDir();
  temp.write('file', '');
  await assert.rejects(writeCertificate(join(temp.path, 'file', 'x'), { certificate: '', key: '' }), {
    code: 'ENOTDIR',
  });
});
