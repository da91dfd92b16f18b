import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifestsIn } from '../../../test/gardener/described-objects.ts';
import { registryConfigSchema } from '../../api/registry-config/schema.ts';
import { cachesComponent, type CachesComponentValues } from './caches-component.ts';

const CERTIFICATE = { 'tls.crt': 'PEM of the certificate', 'tls.key': 'PEM of the key' };

function valuesOf(caches: object[], more: Partial<CachesComponentValues> = {}): CachesComponentValues {
  const documents = registryConfigSchema.parse({ caches }).caches;
  return {
    namespace: 'shoot--p--s',
    image: 'registry.example/larder:1',
    caches: documents,
    hasAutoscaler: false,
    certificates: new Map(documents.map(({ upstream }) => [upstream, CERTIFICATE])),
    secrets: { resources: [], copies: new Map() },
    handBack: false,
    ...more,
  };
}

const kindsOf = (values: CachesComponentValues): string[] =>
  manifestsIn(cachesComponent(values)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);

test('a cache has a configuration, a certificate and a StatefulSet, and what the shoot asks for', () => {
  const names = (cache: object, more: Partial<CachesComponentValues> = {}) =>
    kindsOf(valuesOf([{ upstream: 'a.io', ...cache }], more)).map((name) =>
      name.replace(/-[0-9a-f]{8}$/, ''),
    );
  const plain = [
    'Secret registry-a-io-config',
    'StatefulSet registry-a-io',
    'NetworkPolicy gardener.cloud--allow-registry-cache',
  ];
  assert.deepEqual(names({ http: {} }), plain);
  assert.deepEqual(
    names({ highAvailability: { enabled: true } }, { hasAutoscaler: true }).toSorted(),
    [
      ...plain,
      'Secret registry-a-io-tls',
      'VerticalPodAutoscaler registry-a-io',
      'PodDisruptionBudget registry-a-io',
    ].toSorted(),
  );
});

test('the policy is there without any cache', () => {
  assert.deepEqual(kindsOf(valuesOf([])), ['NetworkPolicy gardener.cloud--allow-registry-cache']);
});

test('the first cache that lacks something ends it, in the words of the Go extension', () => {
  const missing = { upstream: 'b.io', secretReferenceName: 'x', http: { tls: false } };
  const text = 'failed to find referenced resource with name x and kind Secret';
  for (const [caches, message] of [
    [[{ upstream: 'a.io' }, missing], 'secret for upstream a.io not found'],
    [[missing, { upstream: 'a.io' }], `failed to compute resources for upstream b.io: ${text}`],
  ] as const)
    assert.throws(() => cachesComponent(valuesOf([...caches], { certificates: new Map() })), {
      code: 'CONFIG_INVALID',
      message,
    });
});

test('two upstreams with one name are refused', () => {
  const http = { tls: false };
  const caches = [
    { upstream: 'a.b.io', http },
    { upstream: 'a-b.io', http, serviceNameSuffix: 'x' },
  ];
  assert.throws(() => cachesComponent(valuesOf(caches)), {
    message: 'duplicate filename in registry: "apps/v1, kind=statefulset__kube-system__registry-a-b-io.yaml"',
  });
});
