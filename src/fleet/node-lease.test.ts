import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Lease } from '../kube/leader-election/lease.ts';
import { NODE_STATUS, nodeLease, readNodeLease, type NodeReport } from './node-lease.ts';

const plain = { noNullPrototype: true };
const message = fc.string({ maxLength: 256 });
const containerd = fc.record(
  { state: fc.constantFrom('Set', 'NotSet', 'List', 'Elsewhere', 'Unknown'), message },
  plain,
);
const upstream = fc.record(
  { upstream: fc.string(), state: fc.constantFrom('Ready', 'Down', 'Foreign', 'Failed'), message },
  plain,
);
const report: fc.Arbitrary<NodeReport> = fc.record(
  {
    node: fc.string({ minLength: 1 }),
    renewedAt: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    status: fc.record({ revision: fc.string(), containerd, upstreams: fc.array(upstream) }, plain),
  },
  plain,
);

const REPORT: NodeReport = {
  node: 'worker-1',
  renewedAt: 1_700_000_000_000,
  status: {
    revision: '7f3c',
    containerd: { state: 'Set', message: '' },
    upstreams: [{ upstream: 'docker.io', state: 'Down', message: 'x'.repeat(300) }],
  },
};

test('a status is read from a Lease as a node wrote it', () => {
  fc.assert(
    fc.property(report, (written) => {
      assert.deepEqual(readNodeLease(nodeLease(written, 'larder-system', undefined)), written);
    }),
  );
});

test('the Lease has the form of decision 0007, with messages of 256 characters at most', () => {
  const lease = nodeLease(REPORT, 'larder-system', { name: 'agent-x', uid: 'u-1' });
  const { annotations, ...metadata } = lease.metadata;
  assert.deepEqual(metadata, {
    name: 'larder-node-worker-1',
    namespace: 'larder-system',
    labels: { 'larder/node-status': 'true' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'agent-x', uid: 'u-1' }],
  });
  assert.deepEqual(lease.spec, {
    holderIdentity: 'worker-1',
    leaseDurationSeconds: 1500,
    renewTime: '2023-11-14T22:13:20.000000Z',
  });
  assert.equal(readNodeLease(lease)?.status.upstreams[0]?.message, 'x'.repeat(256));
  assert.deepEqual(Object.keys(annotations ?? {}), ['larder/node-status']);
});

test('fields of a newer agent are dropped, and a Lease without a status is no report', () => {
  const lease = nodeLease(REPORT, 'larder-system', undefined);
  const withStatus = (text: string): Lease => ({
    ...lease,
    metadata: { ...lease.metadata, annotations: { [NODE_STATUS]: text } },
  });
  const status = { ...REPORT.status, upstreams: [] };
  assert.deepEqual(readNodeLease(withStatus(JSON.stringify({ ...status, later: 1 })))?.status, status);
  for (const lease of [
    withStatus('{'),
    withStatus('{}'),
    withStatus(JSON.stringify({ ...status, revision: 1 })),
    { ...nodeLease(REPORT, 'larder-system', undefined), metadata: { name: 'x' } },
    { ...nodeLease(REPORT, 'larder-system', undefined), spec: { holderIdentity: 'worker-1' } },
  ])
    assert.equal(readNodeLease(lease), undefined);
});
