import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../kit/errors.ts';
import { readTakenUpstreams, takenData, takenUpstreams, TAKEN_KEY } from './taken-upstreams.ts';

const configMap = (data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'larder-system', name: 'larder-taken' },
  data,
});

test('a list is read as it was written, and its revision depends on nothing but the upstreams', () => {
  const host = fc.domain();
  fc.assert(
    fc.property(fc.array(host, { maxLength: 8 }), fc.array(host, { maxLength: 8 }), (some, others) => {
      const taken = takenUpstreams(some);
      assert.deepEqual(readTakenUpstreams(configMap(takenData(taken))), taken);
      assert.deepEqual(takenUpstreams([...some, ...some].toReversed()), taken);
      const isSame = new Set(some).symmetricDifference(new Set(others)).size === 0;
      assert.equal(takenUpstreams(others).revision === taken.revision, isSame);
      assert.ok(Number.isSafeInteger(taken.revision) && taken.revision > 0);
    }),
  );
});

test('a list that cannot be read is an error that names the place and what is expected', () => {
  for (const data of [{}, { [TAKEN_KEY]: '[]' }, { [TAKEN_KEY]: '{"revision":0,"upstreams":[]}' }])
    assert.throws(
      () => readTakenUpstreams(configMap(data)),
      (error) =>
        isLarderError(error, 'CONFIG_INVALID') &&
        /^ConfigMap larder-system\/larder-taken: taken\.json: .*; expected \{"revision"/.test(error.message),
    );
});
