import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_TABLE, LarderError, errorText, isLarderError } from './errors.ts';

describe('LarderError', () => {
  test('carries code, message, hint, cause and detail, and takes status and retryability from its row', () => {
    const cause = new Error('socket closed');
    const error = new LarderError('UPSTREAM_TIMEOUT', 'no answer', {
      hint: 'wait',
      cause,
      retryAfterSeconds: 3,
      detail: { upstreamStatus: 504 },
    });
    assert.equal(error.name, 'LarderError');
    assert.equal(error.code, 'UPSTREAM_TIMEOUT');
    assert.equal(error.message, 'no answer');
    assert.equal(error.hint, 'wait');
    assert.equal(error.cause, cause);
    assert.equal(error.retryAfterSeconds, 3);
    assert.deepEqual(error.detail, { upstreamStatus: 504 });
    assert.equal(error.status, 504);
    assert.equal(error.retryable, true);
  });

  test('has no cause when none was given', () => {
    assert.equal('cause' in new LarderError('USAGE', 'no'), false);
  });

  test('is recognised by its code', () => {
    const error: unknown = new LarderError('BLOB_UNKNOWN', 'not there');
    assert.equal(isLarderError(error), true);
    assert.equal(isLarderError(error, 'BLOB_UNKNOWN'), true);
    assert.equal(isLarderError(error, 'NAME_UNKNOWN'), false);
    assert.equal(isLarderError(Object.assign(new Error('x'), { code: 'BLOB_UNKNOWN' })), false);
    assert.equal(isLarderError(undefined), false);
  });
});

test('every row has a status of an error and the code of the distribution-spec, or one of the two beyond it', () => {
  const specified = [
    'BLOB_UNKNOWN',
    'BLOB_UPLOAD_INVALID',
    'BLOB_UPLOAD_UNKNOWN',
    'DIGEST_INVALID',
    'MANIFEST_BLOB_UNKNOWN',
    'MANIFEST_INVALID',
    'MANIFEST_UNKNOWN',
    'NAME_INVALID',
    'NAME_UNKNOWN',
    'SIZE_INVALID',
    'UNAUTHORIZED',
    'DENIED',
    'UNSUPPORTED',
    'TOOMANYREQUESTS',
  ];
  for (const [code, { status, oci }] of Object.entries(ERROR_TABLE)) {
    assert.ok(status >= 400 && status < 600, code);
    assert.ok([...specified, 'UNAVAILABLE', 'RANGE_INVALID'].includes(oci), `${code}: ${oci}`);
  }
});

describe('errorText', () => {
  test('is the message of an error, with the code of the system where the message lacks it', () => {
    assert.equal(errorText(new Error('plain')), 'plain');
    assert.equal(
      errorText(Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' })),
      'connect failed (ECONNREFUSED)',
    );
    assert.equal(
      errorText(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })),
      'ENOENT: no such file',
    );
  });

  test('is the text of anything else that was thrown', () => {
    assert.equal(errorText('text'), 'text');
    assert.equal(errorText(undefined), 'undefined');
  });
});
