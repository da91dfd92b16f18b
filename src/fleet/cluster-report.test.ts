import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readClusterReport, reportData, REPORT_KEY, REPORT_LENGTH } from './cluster-report.ts';

const FIELDS = [
  'objects',
  'caches',
  'serving',
  'failing',
  'conflicting',
  'nodes',
  'following',
  'revision',
] as const;
const report = fc.record(
  Object.fromEntries(FIELDS.map((field) => [field, fc.maxSafeNat()])) as Record<
    (typeof FIELDS)[number],
    fc.Arbitrary<number>
  >,
  { noNullPrototype: true },
);

test('a report is read as it was written', () => {
  fc.assert(
    fc.property(report, (one) => assert.deepEqual(readClusterReport({ data: reportData(one) }), one)),
  );
});

test('whatever a cluster writes, a report is whole numbers from 0 or nothing', () => {
  const anything = fc.oneof(
    fc.anything(),
    fc.dictionary(fc.constant(REPORT_KEY), fc.oneof(fc.string(), fc.json(), fc.anything())),
    fc
      .tuple(report, fc.constantFrom(...FIELDS), fc.anything())
      .map(([one, field, value]) => ({ [REPORT_KEY]: JSON.stringify({ ...one, [field]: value }) })),
  );
  fc.assert(
    fc.property(anything, (data) => {
      const found = readClusterReport({ data: data as never });
      if (found === undefined) return;
      assert.deepEqual(Object.keys(found), FIELDS);
      for (const value of Object.values(found)) assert.ok(Number.isSafeInteger(value) && value >= 0);
    }),
  );
  const padded = reportData({
    objects: 1,
    caches: 1,
    serving: 1,
    failing: 0,
    conflicting: 0,
    nodes: 0,
    following: 0,
    revision: 0,
  })[REPORT_KEY]?.padEnd(REPORT_LENGTH + 1);
  assert.equal(readClusterReport({ data: { [REPORT_KEY]: padded ?? '' } }), undefined);
});
