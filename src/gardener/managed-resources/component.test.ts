import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import type { KubeObject } from '../../kube/types.ts';
import { shootComponent } from './component.ts';
import { manifestsOf } from './manifests.ts';
import { referenceAnnotations } from './references.ts';
import { uniqueSecret } from './unique-secret.ts';

const object = (apiVersion: string, kind: string, name: string, more: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'kube-system' },
  ...more,
});

describe('a Secret that is named after its content', () => {
  const named = (base: string, data: Record<string, string>) =>
    uniqueSecret({ base, namespace: 'n', data }).metadata.name;

  test('has the name that Gardener gives it', () => {
    assert.equal(named('x', { a: Buffer.from('b').toString('base64') }), 'x-dba1de6d');
    assert.equal(named('x-', { a: 'Yg==' }), 'x-dba1de6d');
  });

  test('depends on the values in the order of their keys', () => {
    assert.equal(named('x', { a: 'Yg==', b: 'Yw==' }), named('x', { b: 'Yw==', a: 'Yg==' }));
    assert.notEqual(named('x', { a: 'Yg==', b: 'Yw==' }), named('x', { a: 'Yw==', b: 'Yg==' }));
  });

  test('is immutable and may be collected, beside labels of its own', () => {
    const secret = uniqueSecret({ base: 'x', namespace: 'n', labels: { app: 'y' }, data: {} });
    assert.deepEqual(
      [secret.immutable, secret.metadata.labels, 'type' in secret],
      [true, { app: 'y', 'resources.gardener.cloud/garbage-collectable-reference': 'true' }, false],
    );
  });
});

test('the annotation of a reference has the hash of the name that the recordings have', () => {
  assert.deepEqual(referenceAnnotations(['registry-docker-io-config-13cd4fb3']), {
    'reference.resources.gardener.cloud/secret-e6062c3f': 'registry-docker-io-config-13cd4fb3',
  });
});

describe('manifests', () => {
  const objects = [
    object('apps/v1', 'StatefulSet', 'b'),
    object('v1', 'Secret', 'c'),
    object('v1', 'Secret', 'a'),
    object('networking.k8s.io/v1', 'NetworkPolicy', 'd'),
  ];

  test('are in the order of kind, namespace and name, whatever the order of the objects', () => {
    const text = manifestsOf(objects);
    assert.deepEqual(
      [...text.matchAll(/name: "(.)"/g)].map(([, name]) => name),
      ['a', 'c', 'b', 'd'],
    );
    assert.equal(manifestsOf(objects.toReversed()), text);
    assert.equal(text.split('---\n').length, 4);
  });

  test('of two objects with one name are refused in the words of Go', () => {
    for (const [twice, file] of [
      [object('v1', 'Service', 'x:y'), '/v1, kind=service__kube-system__x_y.yaml'],
      [object('apps/v1', 'StatefulSet', 'x'), 'apps/v1, kind=statefulset__kube-system__x.yaml'],
    ] as const)
      assert.throws(() => manifestsOf([twice, object('v1', 'Secret', 'x'), twice]), {
        code: 'CONFIG_INVALID',
        message: `duplicate filename in registry: "${file}"`,
      });
  });
});

describe('a component', () => {
  const options = { namespace: 'shoot--p--s', name: 'extension-x', secretBase: 'x' } as const;

  test('has its manifests in the Secret that the ManagedResource names and refers to', () => {
    const objects = [object('v1', 'Service', 'a', { spec: { type: 'ClusterIP' } })];
    const { secret, managedResource } = shootComponent(options, objects);
    const data = Buffer.from(secret.data['data.yaml.br'] ?? '', 'base64');
    assert.equal(brotliDecompressSync(data).toString(), manifestsOf(objects));
    assert.match(secret.metadata.name, /^x-[0-9a-f]{8}$/);
    assert.equal(secret.metadata.namespace, 'shoot--p--s');
    assert.deepEqual(managedResource.spec.secretRefs, [{ name: secret.metadata.name }]);
    assert.deepEqual(Object.values(managedResource.metadata.annotations ?? {}), [secret.metadata.name]);
  });

  test('is for the resource manager of the shoot, which deletes the objects with it, and claims only if asked to', () => {
    const { spec, metadata } = shootComponent(options, []).managedResource;
    assert.deepEqual(metadata.labels, { origin: 'registry-cache' });
    assert.deepEqual(Object.keys(spec), ['secretRefs', 'injectLabels', 'keepObjects']);
    assert.equal(spec.keepObjects, false);
    const other = shootComponent({ ...options, deletePersistentVolumeClaims: true }, []).managedResource;
    assert.equal(other.spec.deletePersistentVolumeClaims, true);
  });
});
