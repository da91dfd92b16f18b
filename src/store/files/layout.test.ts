import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Digest } from '../../oci/digest.ts';
import { layoutOf, parseSpoolName, spoolName } from './layout.ts';

const SHA256 = `sha256:${'0a1b'.repeat(16)}` as Digest;
const SHA512 = `sha512:${'0a1b'.repeat(32)}` as Digest;

test('content lies under algorithm and first two digits', () => {
  assert.equal(layoutOf('/store').blob(SHA256), `/store/blobs/sha256/0a/${'0a1b'.repeat(16)}`);
  assert.equal(layoutOf('/store').blob(SHA512), `/store/blobs/sha512/0a/${'0a1b'.repeat(32)}`);
});

test('the name of a spool file says digest and upstream', () => {
  const name = spoolName(SHA256, 'registry.example:5000');
  assert.equal(name, `sha256-${'0a1b'.repeat(16)}.registry.example%3A5000`);
  assert.deepEqual(parseSpoolName(name), { digest: SHA256, upstream: 'registry.example:5000' });
});

test('spool names of any two upstreams differ, are file names, and are short enough', () => {
  const upstream = fc.oneof(
    fc.domain(),
    fc.ipV6(),
    fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme-ascii' }),
  );
  fc.assert(
    fc.property(upstream, upstream, fc.constantFrom(SHA256, SHA512), (one, other, digest) => {
      const name = spoolName(digest, one);
      assert.match(name, /^[^/\0]{1,255}$/);
      assert.equal(parseSpoolName(name)?.digest, digest);
      if (one !== other) assert.notEqual(name, spoolName(digest, other));
    }),
  );
});

test('other names are no spool names', () => {
  for (const name of [
    'gone-1',
    'small-1',
    '.writable',
    'sha256-00.docker.io',
    'md5-00.docker.io',
    SHA256,
    `${SHA256}.x`,
  ]) {
    assert.equal(parseSpoolName(name), undefined, name);
  }
  fc.assert(fc.property(fc.string(), (name) => assert.equal(parseSpoolName(name), undefined)));
});
