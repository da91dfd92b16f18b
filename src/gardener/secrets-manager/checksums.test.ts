import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUTHORITY_CHECKSUMS, configChecksum, secretName, signingChecksum } from './checksums.ts';

test('the Secrets of authorities have the names that the Go program gives them', () => {
  const names = Object.entries(AUTHORITY_CHECKSUMS).map(([name, sum]) => secretName(name, [sum], ''));
  assert.deepEqual(names, [
    'ca-extension-registry-cache-0ebe6dfd',
    'ca-registry-cache-webhook-a1d160fd',
    'ca-registry-cache-runtime-webhook-fbba6a86',
    'ca-registry-cache-admission-webhook-39ba4864',
    'ca-registry-cache-admission-runtime-webhook-a62056d5',
  ]);
});

test('the start of a rotation adds the digits that the Go program adds', () => {
  const name = 'ca-extension-registry-cache';
  assert.equal(secretName(name, [AUTHORITY_CHECKSUMS[name]], '1649825730'), `${name}-0ebe6dfd-431ab`);
});

test('the checksum of a signing authority is that of the Go program, cut to a label', () => {
  assert.equal(signingChecksum({ a: 'b' }).slice(0, 8), 'dba1de6d');
  assert.equal(signingChecksum({ a: 'b' }).length, 63);
  assert.equal(signingChecksum({ x: '1', y: '2' }), signingChecksum({ y: '2', x: '1' }));
});

test('the checksum of a configuration is a number of 64 bits that depends on all of it', () => {
  const sum = configChecksum({ name: 'a', names: ['b'] });
  assert.match(sum, /^\d{1,20}$/);
  assert.ok(BigInt(sum) < 2n ** 64n);
  assert.notEqual(sum, configChecksum({ name: 'a', names: ['c'] }));
});
