import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, gardenerCodesOf } from './error-codes.ts';

const coded = new CodedError('KUBE_API', 'invalid', { gardenerCodes: ['ERR_CONFIGURATION_PROBLEM'] });

test('codes are found in causes and in collected errors, each once', () => {
  const error = new Error('outer', { cause: new AggregateError([new Error('plain'), coded, coded]) });
  assert.deepEqual(gardenerCodesOf(error), ['ERR_CONFIGURATION_PROBLEM']);
});

test('an error without codes, and whatever else is thrown, has none', () => {
  for (const thrown of [new Error('plain'), 'text', undefined, null, { gardenerCodes: ['ERR'] }])
    assert.deepEqual(gardenerCodesOf(thrown), []);
});

test('errors that are causes of each other are read once', () => {
  const first = new Error('first');
  first.cause = new Error('second', { cause: first });
  assert.deepEqual(gardenerCodesOf(first), []);
});
