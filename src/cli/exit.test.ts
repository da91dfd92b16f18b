import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LarderError, type ErrorCode } from '../kit/errors.ts';
import { reportFailure } from './exit.ts';

function reported(error: unknown): [code: number, text: string] {
  let text = '';
  const code = reportFailure(error, (part) => (text += part));
  return [code, text];
}

describe('an error of Larder', () => {
  test('is one line and its hint, without a stack trace', () => {
    const error = new LarderError('ADDRESS_IN_USE', 'cannot listen on 127.0.0.1:5000', {
      hint: 'choose another address with --address',
    });
    assert.deepEqual(reported(error), [
      1,
      'larder: cannot listen on 127.0.0.1:5000\n  choose another address with --address\n',
    ]);
  });

  test('for a configuration is its list of problems without a prefix, each with its own path', () => {
    assert.deepEqual(reported(new LarderError('CONFIG_INVALID', 'caches[0].upstream: a\ncaches[1]: b')), [
      2,
      'caches[0].upstream: a\ncaches[1]: b\n',
    ]);
  });

  const codes: [ErrorCode, number][] = [
    ['USAGE', 2],
    ['CONFIG_INVALID', 2],
    ['STORE_IN_USE', 1],
    ['STORE_UNUSABLE', 1],
    ['STORE_ADOPTION_AMBIGUOUS', 1],
    ['TLS_FILES_INVALID', 1],
  ];
  for (const [code, exit] of codes)
    test(`${code} exits with ${exit}`, () => assert.equal(reported(new LarderError(code, 'x'))[0], exit));
});

test('an unexpected error comes with its stack and exits with 1', () => {
  const [code, text] = reported(new TypeError('x is not a function'));
  assert.equal(code, 1);
  assert.match(text, /^larder: unexpected error: TypeError: x is not a function\n {4}at /);
  assert.deepEqual(reported('text'), [1, 'larder: unexpected error: text\n']);
});
