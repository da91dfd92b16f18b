import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { CONDITION_TYPES, REASONS, type Reason } from '../../api/status/reasons.ts';
import { registryConfigStatusSchema } from '../../api/status/registry-config-status.ts';
import type { NodeStatus } from '../../node-agent/node-status.ts';
import type { StatefulSet } from '../resources.ts';
import type { CacheStats } from './cache-stats.ts';
import { cacheView, type CacheInput } from './cache-view.ts';
import { coarse } from './coarse.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { nodeView } from './node-view.ts';
import { registryConfigStatus } from './registry-config-status.ts';
import { occurrencesOf } from './status-events.ts';

const NOW = { now: Date.parse('2026-01-01T00:00:00Z'), generation: 1 };

function reasonsOf(findings: readonly Finding[]): string[] {
  return conditionsOf(findings, [], NOW).map(({ type, reason }) => `${type}=${reason}`);
}

const running: StatefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'registry-docker-io', generation: 1 },
  status: { observedGeneration: 1, readyReplicas: 1, currentRevision: 'a', updateRevision: 'a' },
};

const STATS: CacheStats = {
  upstream: 'docker.io',
  requests: 200,
  hits: 187,
  bytesFromStore: 123_456_789,
  storedBytes: 5_000_000,
  credentialRefused: false,
  secretsMissing: false,
  cloudLoginFailing: false,
  failing: false,
  storeFull: false,
  lastError: null,
};

const FACTS = {
  endpoint: 'https://registry-docker-io.larder-system.svc:5000',
  missingSecrets: [],
  caBundleProblem: undefined,
  claimProblem: undefined,
  problem: undefined,
};

function viewOf(cache: Record<string, unknown> = {}, more: Partial<CacheInput> = {}) {
  return cacheView({
    config: configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig,
    set: running,
    pods: [],
    claim: undefined,
    facts: FACTS,
    stats: STATS,
    nodes: { reports: [], total: 0, revision: 'r', now: NOW.now },
    before: undefined,
    ...more,
  });
}

function report(node: string, status: Partial<NodeStatus>) {
  return {
    metadata: { name: node },
    node,
    renewedAt: NOW.now,
    status: {
      revision: 'r',
      containerd: { state: 'Set', message: '' },
      upstreams: [],
      ...status,
    } as NodeStatus,
  };
}

describe('conditions', () => {
  test('say that all is well where nothing was found', () => {
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

  test('property: there is one of each type, whose reason was found or says that all is well', () => {
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

describe('the status of a cache', () => {
  test('has what the cache says of itself, in numbers that do not change with each pull', () => {
    const { status, findings } = viewOf();
    assert.deepEqual(status, {
      upstream: 'docker.io',
      state: 'Serving',
      endpoint: FACTS.endpoint,
      nodes: { configured: 0, total: 0 },
      hitRatioPercent: 93,
      bytesSaved: 120_000_000,
    });
    assert.deepEqual(findings, []);
  });

  test('fails once it has served, and starts before', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    assert.equal(viewOf({}, { set: down }).status.state, 'Starting');
    const before = viewOf().status;
    assert.equal(viewOf({}, { set: down, before }).status.state, 'Failing');
  });

  test('fails for an image that cannot be pulled, and says so', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    const pods = [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        status: { containerStatuses: [{ ready: false, state: { waiting } }] },
      },
    ];
    const { status, findings } = viewOf({}, { set: undefined, pods });
    assert.equal(status.state, 'Failing');
    const message = 'docker.io: its pod waits: ImagePullBackOff: Back-off pulling image';
    assert.deepEqual(findings[0], { reason: 'NotServing', message });
  });

  test('has a credential that is missing, refused, about to end, or good; and none where none is named', () => {
    const named = { secretReferenceName: 'login' };
    const stateOf = (more: Partial<CacheInput>) => viewOf(named, more).status.credentialState;
    assert.equal(viewOf().status.credentialState, undefined);
    assert.equal(stateOf({}), 'Valid');
    assert.equal(
      stateOf({ facts: { ...FACTS, missingSecrets: ['Secret login does not exist'] } }),
      'Missing',
    );
    assert.equal(stateOf({ stats: { ...STATS, credentialRefused: true } }), 'Rejected');
    assert.equal(stateOf({ stats: { ...STATS, secretsMissing: true } }), 'Missing');
    assert.equal(stateOf({ stats: { ...STATS, cloudLoginFailing: true } }), 'Expiring');
  });

  test('tells of everything that degrades it', () => {
    const stats = { ...STATS, failing: true, storeFull: true, credentialRefused: true };
    const facts = {
      ...FACTS,
      claimProblem: 'the volume cannot grow',
      caBundleProblem: 'Secret ca does not exist',
    };
    const reasons = viewOf({}, { stats, facts }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons.sort(), [
      'CABundleInvalid',
      'CredentialRejected',
      'UpstreamFailing',
      'VolumeCannotGrow',
      'VolumeFull',
    ]);
  });

  test('gives nodes half a minute to turn to it before one that does not is a problem', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Down' as const, message: 'refused' }];
    const reports = [report('n1', { upstreams })];
    const reasonsAfter = (seconds: number): string[] => {
      const lastTransitionTime = new Date(NOW.now - 1000 * seconds).toISOString();
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
      const pods = [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: { conditions } }];
      const nodes = { reports, total: 1, revision: 'r', now: NOW.now };
      return viewOf({}, { pods, nodes }).findings.map(({ reason }) => reason);
    };
    assert.deepEqual(reasonsAfter(29), ['ConfiguringNodes']);
    assert.deepEqual(reasonsAfter(30), ['NodesNotConfigured']);
  });

  test('keeps the last error of the upstream when the cache was started anew', () => {
    const lastError = { code: 'UPSTREAM_5XX', message: 'failed', time: '2026-01-01T00:00:00Z' };
    const before = viewOf({}, { stats: { ...STATS, lastError } }).status;
    assert.deepEqual(viewOf({}, { before }).status.lastUpstreamError, lastError);
  });
});

describe('the nodes of an upstream', () => {
  test('are counted when containerd reads what was written', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const view = nodeView(
      {
        total: 3,
        revision: 'r',
        now: NOW.now,
        reports: [
          report('n1', { upstreams }),
          report('n2', { upstreams, containerd: { state: 'NotSet', message: 'config_path is not set' } }),
        ],
      },
      'docker.io',
      true,
    );
    assert.deepEqual([view.configured, view.total], [1, 3]);
    assert.deepEqual(view.findings, [
      { reason: 'NodesNotConfigured', message: 'docker.io: node n2: config_path is not set' },
      { reason: 'ConfiguringNodes', message: '1 of 3 nodes have not carried out the last change' },
    ]);
  });

  test('are named up to three, and what somebody else wrote is told apart', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Foreign' as const, message: '' }];
    const reports = ['n1', 'n2', 'n3', 'n4', 'n5'].map((node) => report(node, { upstreams }));
    const { findings } = nodeView({ total: 5, revision: 'r', now: NOW.now, reports }, 'docker.io', true);
    assert.equal(findings[0]?.reason, 'ForeignNodeConfiguration');
    assert.match(findings[0]?.message ?? '', /n1, n2, n3 and 2 more nodes$/);
  });

  test('that have not been heard of since the end of their Lease are named', () => {
    const reports = [{ ...report('n1', {}), renewedAt: NOW.now - 26 * 60_000 }, report('n2', {})];
    const { findings } = nodeView({ total: 2, revision: 'r', now: NOW.now, reports }, 'docker.io', true);
    assert.deepEqual(findings, [
      { reason: 'NodesNotConfigured', message: 'node n1: nothing was heard for a while' },
    ]);
  });

  test('that do not reach a cache that has just begun to serve are on their way', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Down' as const, message: 'refused' }];
    const input = { total: 1, revision: 'r', now: NOW.now, reports: [report('n1', { upstreams })] };
    assert.deepEqual(
      nodeView(input, 'docker.io', false).findings.map(({ reason }) => reason),
      ['ConfiguringNodes'],
    );
    assert.equal(nodeView(input, 'docker.io', true).findings[0]?.reason, 'NodesNotConfigured');
  });
});

test('the status of an object is what its schema says, with a line for kubectl', () => {
  const config = configOf({ upstream: 'docker.io' });
  const status = registryConfigStatus({
    object: { apiVersion: 'v1', kind: 'RegistryConfig', metadata: { name: 'hub', generation: 3 } },
    asked: { kind: 'caches', caches: config.caches },
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

test('events tell what breaks and what is mended, and not every step on the way', () => {
  const at = (...findings: readonly Finding[]) => conditionsOf(findings, [], NOW);
  const told = (before: ReturnType<typeof at>, after: ReturnType<typeof at>) =>
    occurrencesOf(before, after).map(({ type, reason }) => `${type} ${reason}`);
  const starting = at({ reason: 'Starting', message: 's' }, { reason: 'RollingOut', message: 'r' });
  const degraded = at({ reason: 'CredentialRejected', message: 'refused' });
  assert.deepEqual(told([], starting), []);
  assert.deepEqual(told(starting, at()), ['Normal Serving']);
  assert.deepEqual(told(at(), degraded), ['Warning CredentialRejected']);
  assert.deepEqual(told(degraded, degraded), []);
  assert.deepEqual(told(degraded, at()), ['Normal Healthy']);
  assert.deepEqual(told(at(), at({ reason: 'Stuck', message: 'quota' })), ['Warning Stuck']);
});

test('property: a coarse number has two digits, and is at most a tenth too small', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (amount) => {
      const rounded = coarse(amount);
      assert.ok(rounded <= amount && rounded >= amount * 0.9);
      assert.match(String(rounded), /^\d{1,2}0*$/);
    }),
  );
});
