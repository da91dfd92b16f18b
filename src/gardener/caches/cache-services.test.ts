import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { registryConfigSchema, type CacheDocument } from '../../api/registry-config/schema.ts';
import type { Service } from '../../operator/cluster/resources.ts';
import { cacheServices } from './cache-services.ts';
import { registryStatus } from './provider-status.ts';
import { serverCertificateOf } from './server-certificate.ts';

const cachesOf = (...caches: object[]): CacheDocument[] => registryConfigSchema.parse({ caches }).caches;

function service(name: string, upstream: string | undefined, clusterIP: string | undefined): Service {
  const annotations = upstream === undefined ? {} : { upstream, scheme: 'https', 'remote-url': 'x' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'kube-system', annotations },
    ...(clusterIP !== undefined && { spec: { clusterIP } }),
  };
}

const QUAY = service('registry-quay-io', 'quay.io', '10.0.0.1');
const HUB = service('registry-hub', 'docker.io', '10.0.0.2');
const CACHES = cachesOf(
  { upstream: 'quay.io', http: { tls: false }, remoteURL: 'http://q.example' },
  { upstream: 'docker.io', serviceNameSuffix: 'hub' },
);

describe('the Services of caches', () => {
  test('are found among others of the shoot, in the order of their names', () => {
    const other = service('foreign', 'quay.io', '10.0.0.9');
    const old = service('registry-docker-io', 'docker.io', '10.0.0.3');
    assert.deepEqual(cacheServices([other, QUAY, old, HUB], CACHES), [
      {
        name: 'registry-hub',
        upstream: 'docker.io',
        remoteURL: 'https://registry-1.docker.io',
        scheme: 'https',
        clusterIP: '10.0.0.2',
      },
      {
        name: 'registry-quay-io',
        upstream: 'quay.io',
        remoteURL: 'http://q.example',
        scheme: 'http',
        clusterIP: '10.0.0.1',
      },
    ]);
  });

  test('are awaited while one is missing, without address, or of the upstream that had the name before', () => {
    for (const other of [
      undefined,
      service('registry-hub', undefined, '10.0.0.2'),
      service('registry-hub', 'ghcr.io', '10.0.0.2'),
      service('registry-hub', 'docker.io', undefined),
      service('registry-hub', 'docker.io', ''),
      service('registry-hub', 'docker.io', 'None'),
      service('registry-hub', 'docker.io', '10.0.0.2:80/evil'),
    ])
      assert.throws(() => cacheServices(other === undefined ? [QUAY] : [QUAY, other], CACHES), {
        message: 'not all services for all configured caches exist',
      });
  });

  test('of no cache are none', () => {
    assert.deepEqual(cacheServices([QUAY], []), []);
  });
});

test('the status has their addresses, those of IPv6 in brackets, and the bundle only if there is one', () => {
  const services = cacheServices([service('registry-quay-io', 'quay.io', 'fd00:10::7'), HUB], CACHES);
  assert.deepEqual(registryStatus(services, 'ca-bundle'), {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryStatus',
    caches: [
      {
        upstream: 'docker.io',
        endpoint: 'https://10.0.0.2:5000',
        remoteURL: 'https://registry-1.docker.io',
      },
      { upstream: 'quay.io', endpoint: 'http://[fd00:10::7]:5000', remoteURL: 'http://q.example' },
    ],
    caSecretName: 'ca-bundle',
  });
  assert.ok(!('caSecretName' in registryStatus([], undefined)));
});

test('the certificate is for every name of the Service and its address, and named after the upstream', () => {
  const [hub] = cacheServices([QUAY, HUB], CACHES);
  assert.ok(hub);
  assert.deepEqual(serverCertificateOf(hub), {
    name: 'registry-docker-io-tls',
    commonName: 'registry-docker-io-tls',
    names: [
      'registry-hub',
      'registry-hub.kube-system',
      'registry-hub.kube-system.svc',
      'registry-hub.kube-system.svc.cluster.local',
      '10.0.0.2',
    ],
    lifetime: { days: 90 },
  });
});
