import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KNOWN, running, STATS, viewOf } from '../../../test/operator/cache-input.ts';
import { AT, nodesOf, report } from '../../../test/operator/nodes-input.ts';
import type { VolumeClaim } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import type { CacheInput } from './cache-view.ts';
import { conditionsOf } from './findings.ts';

const NOW = { now: AT, generation: 1 };

describe('the status of a cache', () => {
  test('has the statistics of the cache, in numbers that do not change with each pull', () => {
    const { status, findings } = viewOf();
    assert.deepEqual(status, {
      upstream: 'docker.io',
      state: 'Serving',
      endpoint: KNOWN.endpoint,
      nodes: { configured: 0, total: 0 },
      hitRatioPercent: 93,
      bytesSaved: 120_000_000,
    });
    assert.deepEqual(findings, []);
  });

  test('is Starting before it has served, and Failing after', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    assert.equal(viewOf({}, { set: down }).status.state, 'Starting');
    const before = viewOf().status;
    assert.equal(viewOf({}, { set: down, before }).status.state, 'Failing');
  });

  test('is Failing for an image that cannot be pulled, and reports why', () => {
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

  test('has a credential that is missing, rejected, expiring or valid, and none if none is named', () => {
    const named = { secretReferenceName: 'login' };
    const stateOf = (more: Partial<CacheInput>) => viewOf(named, more).status.credentialState;
    assert.equal(viewOf().status.credentialState, undefined);
    assert.equal(stateOf({}), 'Valid');
    assert.equal(
      stateOf({ known: { ...KNOWN, missingSecrets: ['Secret login does not exist'] } }),
      'Missing',
    );
    assert.equal(stateOf({ stats: { ...STATS, credentialRefused: true } }), 'Rejected');
    assert.equal(stateOf({ stats: { ...STATS, secretsMissing: true } }), 'Missing');
    assert.equal(stateOf({ stats: { ...STATS, cloudLoginFailing: true } }), 'Expiring');
  });

  test('distinguishes a missing or expired cloud login from an expiring one', () => {
    const reported = (more: Partial<CacheStats>) => {
      const { status, findings } = viewOf({ provider: 'ecr' }, { stats: { ...STATS, ...more } });
      return [status.credentialState, ...findings.map(({ reason }) => reason)];
    };
    assert.deepEqual(reported({ cloudLoginFailing: true }), ['Expiring', 'CredentialExpiring']);
    assert.deepEqual(reported({ cloudLoginFailing: true, cloudLoginMissing: true }), [
      'Missing',
      'CredentialMissing',
    ]);
  });

  test('reports everything that degrades it', () => {
    const stats = { ...STATS, failing: true, storeFull: true, credentialRefused: true };
    const known = {
      ...KNOWN,
      volumeProblem: 'the volume cannot grow',
      invalidSecrets: ['the data entry "username" contains whitespace'],
      caBundleProblem: 'Secret ca does not exist',
    };
    const reasons = viewOf({}, { stats, known }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons.sort(), [
      'CABundleInvalid',
      'CredentialInvalid',
      'CredentialRejected',
      'UpstreamFailing',
      'VolumeCannotGrow',
      'VolumeFull',
    ]);
  });

  test('gives nodes half a minute to use it before they count as a problem', () => {
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

  test('is rolling out until its objects are applied for the current spec, and observed as applied', () => {
    const reasonsWith = (known: Partial<CacheInput['known']>) =>
      viewOf({}, { known: { ...KNOWN, ...known } }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasonsWith({ appliedSpec: 'uid/0' }), ['RollingOut']);
    assert.deepEqual(reasonsWith({ appliedSpec: 'another/1' }), ['RollingOut']);
    assert.deepEqual(reasonsWith({ appliedGeneration: 2 }), ['RollingOut']);
    assert.deepEqual(reasonsWith({}), []);
  });

  test('is Failing while it is down, even if its spec changes', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    const known = { ...KNOWN, appliedSpec: 'uid/0' };
    assert.equal(viewOf({}, { set: down, known, before: viewOf().status }).status.state, 'Failing');
  });

  test('is rolling out until the cache is configured with the grown volume', () => {
    const claim = claimOf({ phase: 'Bound', capacity: { storage: '20Gi' } });
    const grown = { volume: { size: '20Gi' } };
    const reasons = (known: CacheInput['known']) =>
      viewOf(grown, { claim, known }).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons(KNOWN), ['RollingOut']);
    assert.deepEqual(reasons({ ...KNOWN, volumeBytes: 20 * 2 ** 30 }), []);
  });

  test('names the claim that has no volume while it starts', () => {
    const down = { ...running, status: { ...running.status, readyReplicas: 0 } };
    const claim = claimOf({ phase: 'Pending' });
    const [finding] = viewOf({}, { set: down, claim }).findings;
    assert.equal(
      finding?.message,
      'docker.io: the cache is starting: its claim cache-volume-a-0 has no volume yet',
    );
  });

  test('is Starting until the first node pulls through it, and never again whatever nodes do', () => {
    const ready = { upstream: 'docker.io', state: 'Ready' as const, message: '' };
    const none = nodesOf([report('n1', {})]);
    const reasons = (more: Partial<CacheInput>) => viewOf({}, more).findings.map(({ reason }) => reason);
    assert.deepEqual(reasons({ nodes: none }), ['Starting']);
    assert.deepEqual(reasons({ nodes: nodesOf([report('n1', { upstreams: [ready] })]) }), []);
    const { status } = viewOf();
    const used = { ...status, nodes: { configured: 1, total: 1 } };
    assert.deepEqual(reasons({ nodes: none, before: used }), []);
    // The nodes were added after the cache.
    assert.deepEqual(reasons({ nodes: none, before: status, conditions: conditionsOf([], [], NOW) }), []);
    // The pod is ready again, and nodes return a little later.
    assert.deepEqual(reasons({ nodes: none, before: { ...status, state: 'Failing' } }), []);
  });

  test('keeps the last error of the upstream after a restart of the cache', () => {
    const lastError = { code: 'UPSTREAM_5XX', message: 'failed', time: '2026-01-01T00:00:00Z' };
    const before = viewOf({}, { stats: { ...STATS, lastError } }).status;
    assert.deepEqual(viewOf({}, { before }).status.lastUpstreamError, lastError);
  });
});

function claimOf(status: NonNullable<VolumeClaim['status']>): VolumeClaim {
  const metadata = { name: 'cache-volume-a-0' };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, status };
}
