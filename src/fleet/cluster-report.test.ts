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
    fc.property(report, (one) =>
      assert.deepEqual(readClusterReport({ data: reportData(one) }), { kind: 'read', report: one }),
    ),
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
      if (found.kind !== 'read') return;
      assert.deepEqual(Object.keys(found.report), FIELDS);
      for (const value of Object.values(found.report)) assert.ok(Number.isSafeInteger(value) && value >= 0);
    }),
  );
});

test('a report that cannot be read has a reason, and the reason has nothing that the cluster wrote', () => {
  const reason = (text: unknown) => readClusterReport({ data: { [REPORT_KEY]: text as string } });
  const invalid = (problem: string) => ({ kind: 'invalid', problem });
  assert.deepEqual(readClusterReport({}), invalid('it has no key report.json'));
  assert.deepEqual(reason(7), invalid('it has no key report.json'));
  assert.deepEqual(reason('{"hush": '), invalid('its report.json is not JSON'));
  assert.deepEqual(reason('["hush"]'), invalid('its report.json is not a JSON object'));
  for (const value of ['hush', -1, 0.5, null, undefined, { hush: 1 }])
    for (const field of FIELDS) {
      const text = JSON.stringify({ ...ONE, hush: 'hush', [field]: value });
      const problem = `its report.json has no whole number from 0 in the field ${field}`;
      assert.deepEqual(reason(text), invalid(problem));
    }
  const padded = JSON.stringify(ONE).padEnd(REPORT_LENGTH + 1);
  assert.deepEqual(reason(padded), { kind: 'too large', length: REPORT_LENGTH + 1 });
});

const ONE = Object.fromEntries(FIELDS.map((field) => [field, 1]));
