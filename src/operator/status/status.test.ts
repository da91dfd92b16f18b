import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import { STATS, viewOf } from '../../../test/operator/cache-input.ts';
import { AT, nodesOf, report } from '../../../test/operator/nodes-input.ts';
import { CONDITION_TYPES, REASONS, type Reason } from '../../api/status/reasons.ts';
import type { MirrorConfigStatus } from '../../api/status/mirror-config-status.ts';
import { registryConfigStatusSchema } from '../../api/status/registry-config-status.ts';
import { conflictFindings } from './conflict-findings.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { mirrorConfigStatus } from './mirror-config-status.ts';
import { nodeView } from './node-view.ts';
import { roundForStatus } from './numbers.ts';
import { registryConfigStatus } from './registry-config-status.ts';
import { occurrencesOf } from './status-events.ts';

const NOW = { now: AT, generation: 1 };

function reasonsOf(findings: readonly Finding[]): string[] {
  return conditionsOf(findings, [], NOW).map(({ type, reason }) => `${type}=${reason}`);
}

describe('conditions', () => {
  test('are all good without findings', () => {
    assert.deepEqual(reasonsOf([]), [
      'Conflict=NoConflict',
      'Degraded=Healthy',
      'Progressing=Settled',
      'Ready=Serving',
    ]);
  });

  test('give the first reason of the table, and all messages', () => {
    const conditions = conditionsOf(
      [
        { reason: 'VolumeFull', message: 'no room' },
        { reason: 'CredentialMissing', message: 'no login' },
      ],
      [],
      NOW,
    );
    const degraded = conditions.find(({ type }) => type === 'Degraded');
    assert.deepEqual([degraded?.reason, degraded?.message], ['CredentialMissing', 'no login; no room']);
  });

  test('property: there is one of each type, whose reason was found or is the good one', () => {
    const finding = fc.record({
      reason: fc.constantFrom(...(Object.keys(REASONS) as Reason[])),
      message: fc.string({ maxLength: 10 }),
    });
    fc.assert(
      fc.property(fc.array(finding), (findings) => {
        const conditions = conditionsOf(findings, [], NOW);
        assert.deepEqual(
          conditions.map(({ type }) => type),
          [...CONDITION_TYPES].sort(),
        );
        for (const { type, reason, status } of conditions) {
          assert.deepEqual(REASONS[reason], { type, status });
          const own = findings.filter((one) => REASONS[one.reason].type === type);
          assert.ok(own.length === 0 || own.some((one) => one.reason === reason));
        }
      }),
    );
  });
});

test('the status of an object is what its schema says, with a line for kubectl', () => {
  const config = configOf({ upstream: 'docker.io' });
  const status = registryConfigStatus({
    object: { apiVersion: 'v1', kind: 'RegistryConfig', metadata: { name: 'hub', generation: 3 } },
    spec: { kind: 'caches', caches: config.caches },
    conflicts: [],
    nodeProblems: [],
    views: new Map([['docker.io', { ...viewOf(), stats: STATS }]]),
    removing: undefined,
    now: NOW.now,
  });
  assert.deepEqual(registryConfigStatusSchema.parse(status), status);
  assert.deepEqual(status.summary, { caches: '1/1', nodes: '0/0', hits: '93%', saved: '120M' });
  assert.equal(status.observedGeneration, 3);
});

test('an upstream that is cached and mirrored is reported in the words of the Gardener extension, where they are true', () => {
  const object = (kind: string) => ({ apiVersion: 'v1', kind, metadata: { name: 'younger' } });
  const findings = (kind: string, owner: string) =>
    conflictFindings(object(kind), [{ upstream: 'a.io', owner, about: 'a.io' }], 2);
  assert.deepEqual(findings('MirrorConfig', 'RegistryConfig team/hub'), [
    {
      reason: 'CachedAndMirrored',
      message:
        "upstream host 'a.io' is also configured as a registry cache upstream by RegistryConfig team/hub, which is older",
    },
  ]);
  assert.deepEqual(findings('RegistryConfig', 'MirrorConfig team/m'), [
    {
      reason: 'CachedAndMirrored',
      message:
        "upstream host 'a.io' is also configured as a registry mirror upstream by MirrorConfig team/m, which is older",
    },
  ]);
  assert.deepEqual(findings('MirrorConfig', 'MirrorConfig team/m'), [
    { reason: 'UpstreamTaken', message: 'a.io belongs to MirrorConfig team/m, which is older' },
  ]);
});

describe('the status of mirrors', () => {
  const mirrors = [{ upstream: 'quay.io', hosts: [] }];
  const ready = { upstream: 'quay.io', state: 'Ready' as const, message: '' };

  function statusOf(configured: number, total: number, before?: MirrorConfigStatus) {
    const reports = Array.from({ length: total }, (_, index) =>
      report(`n${index}`, { upstreams: index < configured ? [ready] : [] }),
    );
    return mirrorConfigStatus({
      object: {
        apiVersion: 'v1',
        kind: 'MirrorConfig',
        metadata: { name: 'm', generation: 1 },
        ...(before !== undefined && { status: before }),
      },
      spec: { kind: 'mirrors', mirrors },
      conflicts: [],
      nodeProblems: [],
      nodes: nodesOf(reports),
      caBundleProblems: [],
      removing: undefined,
      now: NOW.now,
    });
  }

  const readiness = ({ conditions }: MirrorConfigStatus): string | undefined =>
    conditions?.find(({ type }) => type === 'Ready')?.reason;

  test('is Starting until the first of its nodes is configured, and Serving without nodes', () => {
    assert.equal(readiness(statusOf(0, 5)), 'Starting');
    assert.equal(readiness(statusOf(1, 5)), 'Serving');
    assert.equal(readiness(statusOf(0, 0)), 'Serving');
  });

  test('property: once Serving, no state of the nodes makes it anything else', () => {
    const nodes = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 }));
    fc.assert(
      fc.property(fc.array(nodes), (history) => {
        let status: MirrorConfigStatus | undefined;
        let hasServed = false;
        for (const [configured, more] of history) {
          status = statusOf(configured, configured + more, status);
          if (hasServed) assert.equal(readiness(status), 'Serving');
          hasServed ||= readiness(status) === 'Serving';
        }
      }),
    );
  });

  test('are being configured while the published document has an older spec', () => {
    const input = { ...nodesOf([report('n1', { upstreams: [ready] })]), isPublished: () => false };
    assert.deepEqual(
      nodeView(input, 'quay.io', 'mirror').findings.map(({ reason }) => reason),
      ['ConfiguringNodes'],
    );
  });
});

test('events report what breaks and what is mended, and not every step in between', () => {
  const at = (...findings: readonly Finding[]) => conditionsOf(findings, [], NOW);
  const events = (before: ReturnType<typeof at>, after: ReturnType<typeof at>) =>
    occurrencesOf(before, after).map(({ type, reason }) => `${type} ${reason}`);
  const starting = at({ reason: 'Starting', message: 's' }, { reason: 'RollingOut', message: 'r' });
  const degraded = at({ reason: 'CredentialRejected', message: 'refused' });
  assert.deepEqual(events([], starting), []);
  assert.deepEqual(events(starting, at()), ['Normal Serving']);
  assert.deepEqual(events(at(), degraded), ['Warning CredentialRejected']);
  assert.deepEqual(events(degraded, degraded), []);
  assert.deepEqual(events(degraded, at()), ['Normal Healthy']);
  assert.deepEqual(events(at(), at({ reason: 'Stuck', message: 'quota' })), ['Warning Stuck']);
});

test('property: a rounded number has two digits, and is at most a tenth too small', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (amount) => {
      const rounded = roundForStatus(amount);
      assert.ok(rounded <= amount && rounded >= amount * 0.9);
      assert.match(String(rounded), /^\d{1,2}0*$/);
    }),
  );
});
