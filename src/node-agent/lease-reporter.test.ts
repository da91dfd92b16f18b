import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/kit/wait.ts';
import { startApi, type ApiServer } from '../../test/kube/api-server.ts';
import { clientOf } from '../../test/kube/client.ts';
import { silentLogger } from '../kit/logger.ts';
import type { Lease } from '../kube/leader-election/lease.ts';
import { createLeaseReporter } from './lease-reporter.ts';
import { readNodeLease } from '../fleet/node-lease.ts';
import type { NodeStatus } from '../fleet/node-status.ts';

const LEASE = {
  collection: 'coordination.k8s.io/v1/leases',
  namespace: 'larder-system',
  name: 'larder-node-worker-1',
};

function statusOf(revision: string): NodeStatus {
  return { revision, containerd: { state: 'Set', message: '' }, upstreams: [] };
}

function start(api: ApiServer, random = () => 0) {
  const client = clientOf(api);
  const { clock } = client;
  let ended = 0;
  const apply: typeof client.apply = (...call) => client.apply(...call).finally(() => (ended += 1));
  const reporter = createLeaseReporter(
    { client: { apply }, clock, logger: silentLogger, random },
    { namespace: LEASE.namespace, node: 'worker-1', owner: { name: 'agent-x', uid: 'u-1' } },
  );
  const stop = new AbortController();
  const running = reporter.run(stop.signal);
  return {
    clock,
    report: (revision: string) => reporter.report(statusOf(revision)),
    last: (revision: string) => reporter.last(statusOf(revision)),
    /** Waits until this many writes have ended, successful or not, and the next one waits for its time. */
    async wrote(writes: number) {
      await waitFor(() => ended === writes && clock.pending === 1, { what: `${writes} writes` });
      assert.equal(api.requests.length, writes);
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('enough'));
      await running;
      await client.close();
    },
  };
}

function leaseOf(api: ApiServer): Lease {
  return api.store.get(LEASE);
}

test('a status is written after a change, at most once a second, and the last one wins', async () => {
  await using api = await startApi();
  await using reporter = start(api);
  reporter.report('1');
  await reporter.wrote(1);
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, '1');
  for (const revision of ['2', '3', '4']) reporter.report(revision);
  reporter.clock.advance(999);
  await reporter.wrote(1);
  reporter.clock.advance(1);
  await reporter.wrote(2);
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, '4');
  reporter.clock.advance(1_000);
  reporter.report('4');
  await reporter.wrote(2);
  reporter.report('5');
  await reporter.wrote(3);
  assert.deepEqual(leaseOf(api).metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Pod', name: 'agent-x', uid: 'u-1' },
  ]);
});

for (const [random, minutes] of [
  [0, 10],
  [0.5, 9],
] as const) {
  test(`an unchanged status is written again every 10 minutes, a fifth sooner at most: after ${minutes}`, async () => {
    await using api = await startApi();
    await using reporter = start(api, () => random);
    reporter.report('1');
    await reporter.wrote(1);
    const { renewedAt = 0 } = readNodeLease(leaseOf(api)) ?? {};
    reporter.clock.advance(1_000);
    await waitFor(() => reporter.clock.pending === 1);
    reporter.clock.advance(minutes * 60_000 - 1);
    await reporter.wrote(1);
    reporter.clock.advance(1);
    await reporter.wrote(2);
    assert.equal(readNodeLease(leaseOf(api))?.renewedAt, renewedAt + 1_000 + minutes * 60_000);
  });
}

test('writes are retried during an outage with pauses up to 30 s, always with the latest status', async () => {
  await using api = await startApi();
  api.faults.add({ fault: { kind: 'status', status: 500 }, times: Infinity });
  await using reporter = start(api, () => 1);
  reporter.report('1');
  let writes = 1;
  for (const pauseMs of [1_000, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]) {
    await reporter.wrote(writes);
    reporter.report(`at ${pauseMs}`);
    reporter.clock.advance(pauseMs - 1);
    await reporter.wrote(writes);
    reporter.clock.advance(1);
    writes += 1;
  }
  await reporter.wrote(writes);
  api.faults.clear();
  reporter.report('last');
  reporter.clock.advance(30_000);
  await reporter.wrote(writes + 1);
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, 'last');
});

test('a failed write is repeated although the status is back to the written one', async () => {
  await using api = await startApi();
  await using reporter = start(api);
  reporter.report('1');
  await reporter.wrote(1);
  api.faults.add({ fault: { kind: 'reset' } });
  reporter.clock.advance(1_000);
  reporter.report('2');
  await reporter.wrote(2);
  reporter.report('1');
  reporter.clock.advance(1_000);
  await reporter.wrote(3);
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, '1');
});

test('the last status of a process is written once, and given up after 5 s', async () => {
  await using api = await startApi();
  await using reporter = start(api);
  await reporter.last('1');
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, '1');
  api.faults.add({ fault: { kind: 'hang' } });
  const ended = reporter.last('2');
  await waitFor(() => api.requests.length === 2);
  reporter.clock.advance(5_000);
  await ended;
  assert.equal(readNodeLease(leaseOf(api))?.status.revision, '1');
});
