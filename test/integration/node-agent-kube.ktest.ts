import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeLeaseName, readNodeLease, type NodeReport } from '../../src/fleet/node-lease.ts';
import type { Lease } from '../../src/kube/leader-election/lease.ts';
import { kubeconfigOf } from '../cluster/kubeconfig.ts';
import { createKubectl, type Kubectl } from '../cluster/kubectl.ts';
import { startApiServer } from '../cluster/start-api-server.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { freePort } from '../parts/free-port.ts';
import { GROUPS } from '../parts/groups.ts';
import { startAgentProcess } from './node-agent-process.ts';

const NAMESPACE = 'larder-system';
const NODE = 'worker-1.example';

/** The rights of an agent, and no others. */
const RIGHTS = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'node-agent', namespace: NAMESPACE },
    rules: [
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['larder-nodes'],
        verbs: ['get', 'list', 'watch'],
      },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'patch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'node-agent', namespace: NAMESPACE },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'node-agent' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'agent' }],
  },
];

const MIRROR = {
  upstream: 'quay.io',
  server: 'https://quay.io',
  hosts: [{ host: 'https://mirror.example/q' }],
};

describe('a node agent in a cluster', requireParts([...GROUPS.api, 'kube-controller-manager']), () => {
  test('carries out the ConfigMap, reports in its Lease, which is deleted with its Pod, and has no other rights', async () => {
    await using api = await startApiServer({ controllerManager: true });
    using own = tempDir();
    const kubeconfig = own.write('agent.conf', kubeconfigOf(api.accessFor({ commonName: 'agent' })));
    const asAgent = createKubectl({ kubeconfig, cache: join(own.path, 'kubectl') });
    await api.kubectl('create', 'namespace', NAMESPACE);
    await api.kubectl.apply(...RIGHTS);
    const uid = await podOf(api.kubectl);
    const report = (): Promise<NodeReport | undefined> => reportOf(api.kubectl);
    const certsDirectory = join(own.path, 'certs.d');
    const hostsToml = join(certsDirectory, 'quay.io', 'hosts.toml');
    const flags = ['--namespace', NAMESPACE, '--node-name', NODE, '--kubeconfig', kubeconfig];
    await using agent = await startAgentProcess([...flags, '--pod-name', 'agent', '--pod-uid', uid], {
      port: await freePort(),
      certsDirectory,
      containerdConfig: join(own.path, 'none.toml'),
    });
    await waitFor(async () => (await report())?.status.revision === '', { what: 'the first Lease' });

    await api.kubectl.apply(document({ revision: '1', mirrors: [MIRROR] }));
    await waitFor(() => existsSync(hostsToml), { what: 'hosts.toml' });
    assert.match(readFileSync(hostsToml, 'utf8'), /mirror\.example/);
    await waitFor(async () => (await report())?.status.revision === '1', { what: 'its Lease to say so' });
    const { node, status } = (await report())!;
    assert.equal(node, NODE);
    assert.equal(status.containerd.state, 'Unknown');
    assert.deepEqual(status.upstreams, [{ upstream: 'quay.io', state: 'Ready', message: '' }]);

    await assertDenied(asAgent);

    await api.kubectl('delete', 'configmap', 'larder-nodes', '--namespace', NAMESPACE);
    await waitFor(() => !existsSync(hostsToml), { what: 'hosts.toml to go' });
    await waitFor(async () => (await report())?.status.revision === '', { what: 'its Lease to say so' });

    await agent.stop();
    assert.ok(await report());
    await api.kubectl('delete', 'pod', 'agent', '--namespace', NAMESPACE);
    await waitFor(async () => (await leases(api.kubectl)).length === 0, {
      limitMs: 30_000,
      everyMs: 100,
      what: 'the Lease to go with the Pod',
    });
  });
});

/** A stolen login of one node must not redirect the other nodes. */
async function assertDenied(asAgent: Kubectl): Promise<void> {
  const theirs = ['--namespace', NAMESPACE];
  await assert.rejects(asAgent.apply(document({ revision: '2' })), /cannot patch resource "configmaps"/);
  await assert.rejects(
    asAgent('delete', 'configmap', 'larder-nodes', ...theirs),
    /cannot delete resource "configmaps"/,
  );
  await assert.rejects(asAgent('get', 'configmaps', ...theirs), /cannot list resource "configmaps"/);
  await assert.rejects(asAgent('get', 'secrets', ...theirs), /cannot list resource "secrets"/);
  await assert.rejects(asAgent('get', 'nodes'), /cannot list resource "nodes"/);
  await assert.rejects(
    asAgent('delete', 'lease', nodeLeaseName(NODE), ...theirs),
    /cannot delete resource "leases"/,
  );
}

function document(content: object): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'larder-nodes', namespace: NAMESPACE },
    data: { 'nodes.json': JSON.stringify(content) },
  };
}

/** Creates a Pod that stands for the agent's own, and returns its uid. */
async function podOf(kubectl: Kubectl): Promise<string> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'agent', namespace: NAMESPACE },
    spec: { containers: [{ name: 'it', image: 'it:1' }] },
  };
  // The namespace needs its service account first.
  await waitFor(() => kubectl('get', 'serviceaccount', 'default', '--namespace', NAMESPACE), {
    limitMs: 30_000,
    everyMs: 100,
  });
  await kubectl.apply(pod);
  return await kubectl(
    'get',
    'pod',
    'agent',
    '--namespace',
    NAMESPACE,
    '--output',
    'jsonpath={.metadata.uid}',
  );
}

async function leases(kubectl: Kubectl): Promise<readonly Lease[]> {
  const selector = ['--namespace', NAMESPACE, '--selector', 'larder/node-status=true'];
  return (await kubectl.json<{ items: Lease[] }>('leases', ...selector)).items;
}

async function reportOf(kubectl: Kubectl): Promise<NodeReport | undefined> {
  const [lease] = await leases(kubectl);
  return lease && readNodeLease(lease);
}
