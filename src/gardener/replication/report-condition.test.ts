import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportCondition } from './report-condition.ts';

const REPORT = {
  objects: 1,
  caches: 3,
  serving: 3,
  failing: 0,
  conflicting: 0,
  nodes: 5,
  following: 4,
  revision: 7,
};

test('a report without failures and conflicts is True, another False, each with its numbers', () => {
  const conditionOf = (change: object) => {
    const { status, reason, message } = reportCondition({ kind: 'report', report: { ...REPORT, ...change } });
    return [status, reason, message];
  };
  const caches = '3 caches, 3 serving, 0 failing; 5 nodes, 4 following.';
  assert.deepEqual(conditionOf({}), ['True', 'NoneFailing', `1 object, 0 conflicting; ${caches}`]);
  assert.deepEqual(conditionOf({ conflicting: 1 }), [
    'False',
    'ObjectsConflicting',
    `1 object, 1 conflicting; ${caches}`,
  ]);
  assert.deepEqual(conditionOf({ failing: 2, serving: 1, conflicting: 1 }), [
    'False',
    'CachesFailing',
    '1 object, 1 conflicting; 3 caches, 1 serving, 2 failing; 5 nodes, 4 following.',
  ]);
});

test('a shoot without a report is Unknown, with a reason of its own for each cause', () => {
  const kinds = ['missing', 'silent', 'unreachable', 'hibernated'] as const;
  const findings = [
    ...kinds.map((kind) => ({ kind })),
    { kind: 'invalid', problem: 'its report.json is not JSON' },
    { kind: 'too large', length: 5000 },
  ] as const;
  const conditions = findings.map(reportCondition);
  const report = 'The report in the shoot';
  assert.deepEqual(
    conditions.slice(-2).map(({ message }) => message),
    [
      `${report} cannot be read: its report.json is not JSON.`,
      `${report} is not read: it has 5000 characters, but at most 4096 are allowed.`,
    ],
  );
  assert.deepEqual(
    [...new Set(conditions.map(({ type, status }) => `${type} ${status}`))],
    ['RegistryConfigs Unknown'],
  );
  assert.equal(new Set(conditions.map(({ reason }) => reason)).size, findings.length);
});
