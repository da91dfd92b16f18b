import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kubeconfigOf } from '../cluster/kubeconfig.ts';
import { createKubectl } from '../cluster/kubectl.ts';
import { startApiServer } from '../cluster/start-api-server.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { PARTS } from '../parts/parts.ts';

interface Version {
  readonly serverVersion: { readonly gitVersion: string };
}

describe('a Kubernetes API server', requireParts(GROUPS.api), () => {
  test('reports its version, and stores an object', async () => {
    await using api = await startApiServer();
    const version = JSON.parse(await api.kubectl('version', '--output', 'json')) as Version;
    assert.equal(version.serverVersion.gitVersion, PARTS['kube-apiserver'].version);

    await api.kubectl.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept', namespace: 'default' },
      data: { key: 'value' },
    });
    const { data } = await api.kubectl.json<{ data: object }>('configmap', 'kept');
    assert.deepEqual(data, { key: 'value' });
  });

  test('lets other users do what their roles allow, and nothing else', async () => {
    await using api = await startApiServer();
    using own = tempDir();
    const kubectl = createKubectl({
      kubeconfig: own.write('reader.conf', kubeconfigOf(api.accessFor({ commonName: 'reader' }))),
      cache: own.path,
    });
    await assert.rejects(kubectl('get', 'configmaps'), /User "reader" cannot list/);
    await api.kubectl('create', 'role', 'reader', '--verb=get,list', '--resource=configmaps');
    await api.kubectl('create', 'rolebinding', 'reader', '--role=reader', '--user=reader');
    await waitFor(() => kubectl.json('configmaps'), { what: 'the new rights' });
    await assert.rejects(kubectl('create', 'configmap', 'mine'), /User "reader" cannot create/);
  });
});

const WITH_CONTROLLERS = [...GROUPS.api, 'kube-controller-manager'] as const;

describe('a Kubernetes API server with controllers', requireParts(WITH_CONTROLLERS), () => {
  test('creates the Pods of a StatefulSet, although no node runs them', async () => {
    await using api = await startApiServer({ controllerManager: true });
    const labels = { app: 'cache' };
    await api.kubectl.apply({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'cache', namespace: 'default' },
      spec: {
        serviceName: 'cache',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'it', image: 'it:1' }] } },
      },
    });
    const phaseOfPod = () => api.kubectl('get', 'pod', 'cache-0', '--output', 'jsonpath={.status.phase}');
    const phase = await waitFor(phaseOfPod, { limitMs: 30_000, everyMs: 100, what: 'the Pod' });
    assert.equal(phase, 'Pending');
  });
});
