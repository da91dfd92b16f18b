import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { takenUpstreams } from '../../fleet/taken-upstreams.ts';
import { REGISTRY_CONFIG_CRD } from '../../api/crd/registry-config-crd.ts';
import type { Component } from '../managed-resources/component.ts';
import { CHART_OBJECTS } from './chart-objects.ts';
import type { ChartObject, Workload } from './chart-object.ts';
import { replicationComponents, type ComponentsSettings } from './replication-components.ts';

const IMAGE = 'images.example/larder:1.2.3@sha256:abc';
const SETTINGS: ComponentsSettings = {
  namespace: 'shoot--p--s',
  image: IMAGE,
  taken: takenUpstreams(['docker.io']),
  tolerations: [{ key: 'arm', operator: 'Exists', effect: 'NoSchedule' }],
  kubernetesVersion: '1.34.1',
  rotationStart: Date.UTC(2026, 1, 3, 4, 5, 6),
};

const nameOf = ({ kind, metadata }: ChartObject): string => `${kind}/${metadata.name}`;

function objectsOf({ secret }: Component): ChartObject[] {
  const [data = ''] = Object.values(secret.data);
  const text = brotliDecompressSync(Buffer.from(data, 'base64')).toString();
  return parseAllDocuments(text).map((document) => document.toJS() as ChartObject);
}

function render(change: Partial<ComponentsSettings> = {}) {
  const { shoot, operator } = replicationComponents({ ...SETTINGS, ...change });
  const objects = { shoot: objectsOf(shoot), operator: objectsOf(operator) };
  const find = (kind: string) =>
    [...objects.shoot, ...objects.operator].find((one) => one.kind === kind) as unknown as Workload;
  return { ...objects, find };
}

describe('the objects in a shoot', () => {
  test('are those of the chart, each in one of the two ManagedResources, with CRDs, namespace and taken upstreams', () => {
    const { shoot, operator } = render();
    assert.deepEqual(
      [...shoot, ...operator].map(nameOf).toSorted(),
      [
        ...CHART_OBJECTS.map(nameOf),
        'ConfigMap/larder-taken',
        'CustomResourceDefinition/mirrorconfigs.mirror.extensions.gardener.cloud',
        'CustomResourceDefinition/registryconfigs.registry.extensions.gardener.cloud',
        'Namespace/larder-system',
      ].toSorted(),
    );
    assert.deepEqual(operator.map(nameOf).toSorted(), [
      'ClusterRole/larder-operator',
      'ClusterRole/larder-operator-secrets',
      'ClusterRoleBinding/larder-operator',
      'ClusterRoleBinding/larder-operator-secrets',
      'ConfigMap/larder-taken',
      'Deployment/larder-operator',
      'NetworkPolicy/larder-operator',
      'Role/larder-operator',
      'Role/larder-operator-trusted-ca',
      'RoleBinding/larder-operator',
      'RoleBinding/larder-operator-trusted-ca',
      'ServiceAccount/larder-operator',
    ]);
  });

  test('are all in one namespace, which allows the node agent, but for the right to read the CA of the registry', () => {
    const { shoot, operator } = render();
    const namespaces = [...shoot, ...operator]
      .filter(({ metadata }) => metadata.name !== 'larder-operator-trusted-ca')
      .map(({ metadata }) => metadata.namespace ?? 'larder-system');
    assert.deepEqual(new Set(namespaces), new Set(['larder-system']));
    const namespace = shoot.find(({ kind }) => kind === 'Namespace');
    assert.deepEqual(namespace?.metadata.labels, { 'pod-security.kubernetes.io/enforce': 'privileged' });
  });

  test('keep the CRDs, and with them the objects of users', () => {
    const found = render().shoot.find(({ metadata }) => metadata.name === REGISTRY_CONFIG_CRD.metadata.name);
    assert.deepEqual(found?.metadata.annotations, { 'resources.gardener.cloud/keep-object': 'true' });
    assert.deepEqual(found?.spec, JSON.parse(JSON.stringify(REGISTRY_CONFIG_CRD.spec)));
  });

  test('get no label that the ManagedResource does not inject: without it Gardener would clean them up', () => {
    for (const { managedResource } of Object.values(replicationComponents(SETTINGS)))
      assert.deepEqual(managedResource.spec.injectLabels, { 'shoot.gardener.cloud/no-cleanup': 'true' });
  });

  test('have the image everywhere, and no placeholder', () => {
    const { find, shoot, operator } = render();
    assert.doesNotMatch(JSON.stringify([shoot, operator]), /registry\.example\.com/);
    for (const kind of ['Deployment', 'DaemonSet'])
      assert.deepEqual(
        find(kind).spec.template.spec.containers.map(({ image }) => image),
        [IMAGE],
      );
    const [container] = find('Deployment').spec.template.spec.containers;
    assert.deepEqual(
      container?.args.filter((one) => one.startsWith('--image')),
      [`--image=${IMAGE}`],
    );
  });

  test('run where components of the system run, the node agent everywhere, each with its priority', () => {
    const { find } = render();
    const operator = find('Deployment').spec.template.spec;
    assert.deepEqual(operator.tolerations, SETTINGS.tolerations);
    assert.deepEqual(operator.nodeSelector, {
      'kubernetes.io/os': 'linux',
      'worker.gardener.cloud/system-components': 'true',
    });
    const agent = find('DaemonSet').spec.template.spec;
    assert.deepEqual(agent.tolerations, [{ operator: 'Exists' }]);
    assert.deepEqual(
      [operator, agent].map((pod) => (pod as { priorityClassName?: string }).priorityClassName),
      ['system-cluster-critical', 'system-node-critical'],
    );
  });

  test('have the arguments of an operator in a shoot', () => {
    const argumentsFor = (change: Partial<ComponentsSettings>) =>
      render(change).find('Deployment').spec.template.spec.containers[0]?.args ?? [];
    const tolerations = '[{"key":"arm","operator":"Exists","effect":"NoSchedule"}]';
    for (const argument of [
      '--priority-class=system-cluster-critical',
      '--taken-upstreams=larder-taken',
      '--report=larder-report',
      '--trusted-ca=kube-system/registry-ca-bundle',
      '--object-labels=shoot.gardener.cloud/no-cleanup=true',
      '--cache-node-selector=worker.gardener.cloud/system-components=true',
      `--cache-tolerations=${tolerations}`,
      '--authority-not-before=2026-02-03T04:05:06.000Z',
    ])
      assert.ok(argumentsFor({}).includes(argument), argument);
    const few = argumentsFor({ tolerations: [], rotationStart: undefined });
    assert.doesNotMatch(few.join(' '), /cache-tolerations|authority-not-before/);
  });

  test('may read the one ConfigMap with the CA of the registry, and nothing else of kube-system', () => {
    const inSystem = [...render().operator, ...render().shoot].filter(
      ({ metadata }) => metadata.namespace === 'kube-system',
    );
    assert.deepEqual(
      inSystem.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ['Role larder-operator-trusted-ca', 'RoleBinding larder-operator-trusted-ca'],
    );
    assert.deepEqual((inSystem[0] as unknown as { rules: object[] }).rules, [
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['registry-ca-bundle'],
        verbs: ['list', 'watch'],
      },
    ]);
  });

  test('have the admission policy from Kubernetes 1.30 on', () => {
    const policies = (kubernetesVersion: string): number =>
      render({ kubernetesVersion }).shoot.filter(({ kind }) => kind.startsWith('ValidatingAdmission')).length;
    assert.deepEqual(['1.29.15', 'v1.30.0', '1.34.1', '2.0.0', ''].map(policies), [0, 2, 2, 2, 0]);
  });
});

test('equal settings give equal bytes, and the list of taken upstreams changes the part of the operator alone', () => {
  const one = replicationComponents(SETTINGS);
  assert.deepEqual(replicationComponents(structuredClone(SETTINGS)), one);
  const other = replicationComponents({ ...SETTINGS, taken: takenUpstreams([]) });
  assert.deepEqual(other.shoot, one.shoot);
  assert.notEqual(other.operator.secret.metadata.name, one.operator.secret.metadata.name);
});
