import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { statusError } from './status-error.ts';

const CONTEXT = { what: 'get pods a/b', isSecret: false, nowMs: 0 };

test('a Status without a code takes that of the answer, and an event has its own', () => {
  const status = { kind: 'Status', message: 'gone', reason: 'Expired', code: 410 };
  const error = statusError(status, CONTEXT);
  assert.deepEqual(
    [error.httpStatus, error.reason, error.message],
    [410, 'Expired', 'get pods a/b: gone (410 Expired)'],
  );
  assert.equal(error.serverMessage, 'gone');
  assert.equal(statusError({ kind: 'Status' }, { ...CONTEXT, httpStatus: 409 }).reason, 'Conflict');
});

test('an answer without a Status, as a proxy gives it, becomes an error of its HTTP status', () => {
  const error = statusError('<html>secret</html>', { ...CONTEXT, httpStatus: 503, retryAfter: '7' });
  assert.equal(error.message, 'get pods a/b: refused by the API server (503 ServiceUnavailable)');
  assert.equal(error.retryAfterSeconds, 7);
});

test('for a Secret neither the message nor those of its causes are repeated', () => {
  const causes = [{ reason: 'FieldValueInvalid', message: 'hunter2', field: 'data' }];
  const status = { kind: 'Status', message: 'hunter2', reason: 'Invalid', code: 422, details: { causes } };
  const error = statusError(status, { ...CONTEXT, isSecret: true });
  assert.doesNotMatch(JSON.stringify([error.message, error.details, error.serverMessage]), /hunter2/);
  assert.deepEqual(error.details?.causes, [{ reason: 'FieldValueInvalid', field: 'data' }]);
});

test('property: any answer becomes an error with status and reason', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        fc.record({ kind: fc.constant('Status'), details: fc.anything(), code: fc.anything() }),
      ),
      (body) => {
        const error = statusError(body, CONTEXT);
        assert.ok(Number.isInteger(error.httpStatus));
        assert.ok(error.reason.length > 0);
      },
    ),
  );
});
