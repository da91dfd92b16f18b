import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import { AT, nodesOf, report } from '../../../test/operator/nodes-input.ts';
import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { CONDITION_TYPES, REASONS, type Reason } from '../../api/status/reasons.ts';
import type { MirrorConfigStatus } from '../../api/status/mirror-config-status.ts';
import { registryConfigStatusSchema } from '../../api/status/registry-config-status.ts';
import type { StatefulSet } from '../resources.ts';
import type { CacheStats } from './cache-stats.ts';
import { cacheView, type CacheInput } from './cache-view.ts';
import { coarse } from './coarse.ts';
import { conflictFindings } from './conflict-findings.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { mirrorConfigStatus } from './mirror-config-status.ts';
import { nodeView } from './node-view.ts';
import { registryConfigStatus } from './registry-config-status.ts';
import { occurrencesOf } from './status-events.ts';

const NOW = { now: AT, generation: 1 };

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
  cloudLoginMissing: false,
  failing: false,
  storeFull: false,
  lastError: null,
};

const SPEC = 'uid/1';

const FACTS = {
  madeFor: SPEC,
  setGeneration: 1,
  volumeBytes: 10 * 2 ** 30,
  endpoint: 'https://registry-docker-io.larder-system.svc:5000',
  missingSecrets: [],
  invalidSecrets: [],
  caBundleProblem: undefined,
  claimProblem: undefined,
  problem: undefined,
};

function viewOf(cache: Record<string, unknown> = {}, more: Partial<CacheInput> = {}) {
  return cacheView({
    config: configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig,
    spec: SPEC,
    set: running,
    pods: [],
    claim: undefined,
    facts: FACTS,
    stats: STATS,
    nodes: nodesOf([]),
    before: undefined,
    conditions: [],
    ...more,
  });
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

  test('lacks a cloud login that was never had or has ended, which is not one that is about to end', () => {
    const told = (more: Partial<CacheStats>) => {
      const { status, findings } = viewOf({ provider: 'ecr' }, { stats: { ...STATS, ...more } });
      return [status.credentialState, ...findings.map(({ reason }) => reason)];
    };
    assert.deepEqual(told({ cloudLoginFailing: true }), ['Expiring', 'CredentialExpiring']);
    assert.deepEqual(told({ cloudLoginFailing: true, cloudLoginMissing: true }), [
      'Missing',
      'CredentialMissing',
    ]);
  });

  test('tells of everything that degrades it', () => {
    const stats = { ...STATS, failing: true, storeFull: true, credentialRefused: true };
    const facts = {
      ...FACTS,
      claimProblem: 'the volume cannot grow',
      invalidSecrets: ['the data entry "username" contains whitespace'],
      caBundleProblem: 'Secret ca does not exist',
    };
    const reasons = viewOf({}, { stats, facts }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons.sort(), [
      'CABundleInvalid',
      'CredentialInvalid',
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
      const before = { ...viewOf().status, nodes: { configured: 1, total: 1 } };
      return viewOf({}, { pods, nodes: nodesOf(reports), before }).findings.map(({ reason }) => reason);
    };
    assert.deepEqual(reasonsAfter(29), ['ConfiguringNodes']);
    assert.deepEqual(reasonsAfter(30), ['NodesNotConfigured']);
  });

  test('says that it is rolling out until its objects were applied for the spec of now, and seen as they were applied', () => {
    const reasonsWith = (facts: Partial<CacheInput['facts']>) =>
      viewOf({}, { facts: { ...FACTS, ...facts } }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasonsWith({ madeFor: 'uid/0' }), ['RollingOut']);
    assert.deepEqual(reasonsWith({ madeFor: 'another/1' }), ['RollingOut']);
    assert.deepEqual(reasonsWith({ setGeneration: 2 }), ['RollingOut']);
    assert.deepEqual(reasonsWith({}), []);
  });

  test('is Failing for one that is down, also while its spec changes', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    const facts = { ...FACTS, madeFor: 'uid/0' };
    assert.equal(viewOf({}, { set: down, facts, before: viewOf().status }).status.state, 'Failing');
  });

  test('is rolled out until the cache knows of a volume that has grown', () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'cache-volume-a-0' },
      status: { phase: 'Bound', capacity: { storage: '20Gi' } },
    };
    const grown = { volume: { size: '20Gi' } };
    const reasons = (facts: CacheInput['facts']) =>
      viewOf(grown, { claim, facts }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons(FACTS), ['RollingOut']);
    assert.deepEqual(reasons({ ...FACTS, volumeBytes: 20 * 2 ** 30 }), []);
  });

  test('names the claim that has no volume while it starts', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'cache-volume-a-0' },
      status: { phase: 'Pending' },
    };
    const [finding] = viewOf({}, { set: down, claim }).findings;
    assert.equal(
      finding?.message,
      'docker.io: the cache is starting: its claim cache-volume-a-0 has no volume yet',
    );
  });

  test('says that it is starting until the first node pulls through it, and never again whatever nodes do', () => {
    const ready = { upstream: 'docker.io', state: 'Ready' as const, message: '' };
    const none = nodesOf([report('n1', {})]);
    const reasons = (more: Partial<CacheInput>) => viewOf({}, more).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons({ nodes: none }), ['Starting']);
    assert.deepEqual(reasons({ nodes: nodesOf([report('n1', { upstreams: [ready] })]) }), []);
    const { status } = viewOf();
    const used = { ...status, nodes: { configured: 1, total: 1 } };
    assert.deepEqual(reasons({ nodes: none, before: used }), []);
    // The nodes came after it.
    assert.deepEqual(reasons({ nodes: none, before: status, conditions: conditionsOf([], [], NOW) }), []);
    // The pod comes back, and nodes do a little later.
    assert.deepEqual(reasons({ nodes: none, before: { ...status, state: 'Failing' } }), []);
  });

  test('keeps the last error of the upstream when the cache was started anew', () => {
    const lastError = { code: 'UPSTREAM_5XX', message: 'failed', time: '2026-01-01T00:00:00Z' };
    const before = viewOf({}, { stats: { ...STATS, lastError } }).status;
    assert.deepEqual(viewOf({}, { before }).status.lastUpstreamError, lastError);
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

test('an upstream that is cached and mirrored is told of in the words of the Gardener extension, where they are true', () => {
  const object = (kind: string) => ({ apiVersion: 'v1', kind, metadata: { name: 'younger' } });
  const told = (kind: string, holder: string) =>
    conflictFindings(object(kind), [{ upstream: 'a.io', holder, about: 'a.io' }], 2);
  assert.deepEqual(told('MirrorConfig', 'RegistryConfig team/hub'), [
    {
      reason: 'CachedAndMirrored',
      message:
        "upstream host 'a.io' is also configured as a registry cache upstream by RegistryConfig team/hub, which is older",
    },
  ]);
  assert.deepEqual(told('RegistryConfig', 'MirrorConfig team/m'), [
    {
      reason: 'CachedAndMirrored',
      message:
        "upstream host 'a.io' is also configured as a registry mirror upstream by MirrorConfig team/m, which is older",
    },
  ]);
  assert.deepEqual(told('MirrorConfig', 'MirrorConfig team/m'), [
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
      asked: { kind: 'mirrors', mirrors },
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

  test('is Starting until the first of its nodes is configured, and Serving where there are no nodes', () => {
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

  test('is on its way while nodes are told of an older spec', () => {
    const told = { ...nodesOf([report('n1', { upstreams: [ready] })]), isTold: () => false };
    assert.deepEqual(
      nodeView(told, 'quay.io', true).findings.map(({ reason }) => reason),
      ['ConfiguringNodes'],
    );
  });
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
