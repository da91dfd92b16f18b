import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LarderError } from '../kit/errors.ts';
import { KubeError } from '../kube/kube-error.ts';
import { serverText } from './server-text.ts';

test("the server's own words are the text of a refused call", () => {
  const refusal = { httpStatus: 404, reason: 'NotFound' };
  const serverMessage = 'namespaces "a" not found';
  assert.equal(
    serverText(new KubeError('get namespaces a: refused', { ...refusal, serverMessage })),
    serverMessage,
  );
  assert.equal(serverText(new KubeError('create secrets a: refused', refusal)), 'create secrets a: refused');
});

test('any other error is its message', () => {
  assert.equal(serverText(new LarderError('USAGE', 'wrong')), 'wrong');
  assert.equal(serverText(Object.assign(new Error('open'), { code: 'ENOENT' })), 'open (ENOENT)');
  assert.equal(serverText('text'), 'text');
});

test('a failed system call has its name, its path and the reason', async () => {
  for (const [call, text] of [
    [() => readFile('/nope/x'), 'open /nope/x: no such file or directory'],
    [() => mkdir('/dev/null/x'), 'mkdir /dev/null/x: not a directory'],
  ] as const)
    assert.equal(await call().catch(serverText), text);
});
