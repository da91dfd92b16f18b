import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AT, nodesOf, report } from '../../../test/operator/nodes-input.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isAgentOf, readAgentPod, type AgentPod } from '../cluster/agent-pod.ts';
import { OF_GARDENER } from '../../fleet/node-status.ts';
import { nodeView } from './node-view.ts';
import { createSince } from './nodes-input.ts';

describe('the nodes of an upstream', () => {
  test('are counted when containerd reads the file', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const view = nodeView(
      nodesOf(
        [
          report('n1', { upstreams }),
          report('n2', { upstreams, containerd: { state: 'NotSet', message: 'config_path is not set' } }),
        ],
        { total: 3 },
      ),
      'docker.io',
      'settled cache',
    );
    assert.deepEqual([view.configured, view.total], [1, 3]);
    assert.deepEqual(view.findings, [
      { reason: 'NodesNotConfigured', message: 'docker.io: node n2: config_path is not set' },
      { reason: 'ConfiguringNodes', message: '1 of 3 nodes have not carried out the last change' },
    ]);
  });

  test('are not counted when it is unknown whether containerd reads the file, and the message says why', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const containerd = { state: 'Unknown' as const, message: 'there is no /etc/containerd/config.toml' };
    const view = nodeView(nodesOf([report('n1', { upstreams, containerd })]), 'docker.io', 'settled cache');
    assert.equal(view.configured, 0);
    assert.deepEqual(view.findings, [
      {
        reason: 'NodesNotConfigured',
        message: 'docker.io: node n1: there is no /etc/containerd/config.toml',
      },
    ]);
  });

  test('that could not write a file report why, whether or not containerd would read it', () => {
    const message = 'cannot listen on 127.0.0.1:5010: the address is in use';
    const upstreams = [{ upstream: 'docker.io', state: 'Failed' as const, message }];
    for (const containerd of [
      { state: 'Unknown' as const, message: '' },
      { state: 'NotSet' as const, message: 'config_path is not set' },
    ]) {
      const { findings } = nodeView(
        nodesOf([report('n1', { upstreams, containerd })]),
        'docker.io',
        'settled cache',
      );
      assert.deepEqual(findings, [
        { reason: 'NodesNotConfigured', message: `docker.io: node n1: ${message}` },
      ]);
    }
  });

  test('are named up to three, and a file that Larder did not write has its own reason', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Foreign' as const, message: '' }];
    const reports = ['n1', 'n2', 'n3', 'n4', 'n5'].map((node) => report(node, { upstreams }));
    const { findings } = nodeView(nodesOf(reports), 'docker.io', 'settled cache');
    assert.equal(findings[0]?.reason, 'ForeignNodeConfiguration');
    assert.match(findings[0]?.message ?? '', /n1, n2, n3 and 2 more nodes$/);
  });

  test('whose file Gardener manages say so', () => {
    const message = `/etc/hosts.toml is ${OF_GARDENER}`;
    const upstreams = [{ upstream: 'docker.io', state: 'Foreign' as const, message }];
    const { findings } = nodeView(nodesOf([report('n1', { upstreams })]), 'docker.io', 'settled cache');
    assert.equal(
      findings[0]?.message,
      `docker.io: a hosts.toml that Larder did not write is left unchanged on node n1; it is ${OF_GARDENER}`,
    );
  });

  test('that have not reported since the end of their Lease are named', () => {
    const reports = [{ ...report('n1', {}), renewedAt: AT - 26 * 60_000 }, report('n2', {})];
    const { findings } = nodeView(nodesOf(reports), 'docker.io', 'settled cache');
    assert.deepEqual(findings, [
      { reason: 'NodesNotConfigured', message: 'node n1: no report for 25 minutes' },
    ]);
  });

  test('that do not reach a cache which has just begun to serve are pending', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Down' as const, message: 'refused' }];
    const input = nodesOf([report('n1', { upstreams })]);
    assert.deepEqual(
      nodeView(input, 'docker.io', 'settling cache').findings.map(({ reason }) => reason),
      ['ConfiguringNodes'],
    );
    assert.equal(nodeView(input, 'docker.io', 'settled cache').findings[0]?.reason, 'NodesNotConfigured');
  });

  test('whose agent has not reported in five minutes are a problem, and not pending', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const agents = [agent('n1'), agent('n2'), agent('n3')];
    const findingsAfter = (seconds: number) =>
      nodeView(
        nodesOf([report('n1', { upstreams })], { agents, total: 3, now: AT + 1000 * seconds }),
        'docker.io',
        'settled cache',
      ).findings;
    assert.deepEqual(findingsAfter(299), [
      { reason: 'ConfiguringNodes', message: '2 of 3 nodes have not carried out the last change' },
    ]);
    assert.deepEqual(findingsAfter(300), [
      {
        reason: 'NodesNotConfigured',
        message: '2 of 3 nodes have not reported within 5 minutes (nodes n2, n3)',
      },
    ]);
  });

  test('whose agent does not start for a known reason are a problem after half a minute', () => {
    const problem = "has no node: 1 node(s) didn't have free ports for the requested pod ports";
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const agents = [agent('n1', problem), agent('n2'), agent('n3')];
    const viewAfter = (seconds: number) =>
      nodeView(
        nodesOf([report('n3', { upstreams })], { agents, total: 3, now: AT + 1000 * seconds }),
        'docker.io',
        'settled cache',
      );
    const pending = (count: number) => ({
      reason: 'ConfiguringNodes',
      message: `${count} of 3 nodes have not carried out the last change`,
    });
    assert.deepEqual(viewAfter(29).findings, [pending(2)]);
    assert.deepEqual(viewAfter(30).findings, [
      { reason: 'NodesNotConfigured', message: `1 of 3 nodes have no agent (node n1): its pod ${problem}` },
      pending(1),
    ]);
  });

  test('whose agent ended after its report do not count as configured, except for mirrors', () => {
    const upstreams = [{ upstream: 'docker.io', state: 'Ready' as const, message: '' }];
    const problem = 'waits: CrashLoopBackOff: back-off 40s';
    const input = nodesOf([report('n1', { upstreams }), report('n2', { upstreams })], {
      agents: [agent('n1', problem), agent('n2')],
      now: AT + 60_000,
    });
    const down = {
      reason: 'NodesNotConfigured',
      message: `1 of 2 nodes have no agent (node n1): its pod ${problem}`,
    };
    const cached = nodeView(input, 'docker.io', 'settled cache');
    assert.deepEqual([cached.configured, cached.findings], [1, [down]]);
    const mirrored = nodeView(input, 'docker.io', 'mirror');
    assert.deepEqual([mirrored.configured, mirrored.findings], [2, []]);
    // A node whose agent is down cannot carry out a change, so it is not pending.
    const changed = nodeView({ ...input, revision: '2' }, 'docker.io', 'settled cache');
    assert.deepEqual(changed.findings, [
      down,
      { reason: 'ConfiguringNodes', message: '1 of 2 nodes have not carried out the last change' },
    ]);
  });

  test('that have had no agent pod for five minutes are a problem, counted from when the operator saw it', () => {
    const clock = new ManualClock(AT);
    const podlessSince = createSince(clock);
    const agents = [agent('n1')];
    const reasonsAt = (seconds: number, isPodless = true): readonly string[] => {
      clock.advance(AT + 1000 * seconds - clock.now());
      const input = nodesOf([report('n1', {})], {
        agents,
        total: 3,
        now: clock.now(),
        podlessSince: podlessSince(isPodless),
      });
      return nodeView(input, 'docker.io', 'settled cache').findings.map(
        ({ reason, message }) => `${reason} ${message}`,
      );
    };
    const waiting = ['ConfiguringNodes 2 of 3 nodes have not carried out the last change'];
    assert.deepEqual(reasonsAt(0), waiting);
    assert.deepEqual(reasonsAt(200), waiting);
    reasonsAt(201, false);
    assert.deepEqual(reasonsAt(202), waiting);
    assert.deepEqual(reasonsAt(501), waiting);
    assert.deepEqual(reasonsAt(502), ['NodesNotConfigured 2 of 3 nodes have had no agent pod for 5 minutes']);
  });

  test('that are silent are not waited for', () => {
    const old = { ...report('n1', { revision: 'before' }), renewedAt: AT - 26 * 60_000 };
    const reasons = nodeView(nodesOf([old]), 'docker.io', 'settled cache').findings.map(
      ({ reason }) => reason,
    );
    assert.deepEqual(reasons, ['NodesNotConfigured']);
  });
});

test('a pod of the DaemonSet names its node even before it is scheduled', () => {
  const requiredDuringSchedulingIgnoredDuringExecution = {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n7'] }] }],
  };
  const pod = readAgentPod({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'larder-node-agent-x',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'larder-node-agent', uid: 'u' }],
    },
    spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } } },
    status: {
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }],
    },
  });
  assert.deepEqual([pod.node, pod.createdAt, pod.problem], ['n7', AT, 'has no node: no room']);
  assert.ok(isAgentOf('larder-node-agent', pod));
  assert.equal(isAgentOf('other', pod), false);
});

function agent(node: string, problem?: string): AgentPod {
  return { metadata: { name: `agent-${node}` }, node, createdAt: AT, problem };
}
