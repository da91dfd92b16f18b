import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGardenlet, type Gardenlet } from '../../test/gardener/gardenlet.ts';
import { startApi, type ApiServer } from '../../test/kube/api-server.ts';
import { clientOf, forever } from '../../test/kube/client.ts';
import { API_VERSION } from '../api/registry-config/schema.ts';
import { listLarderFields, type LarderFieldsReport } from './list-larder-fields.ts';

const config = (...caches: object[]) => ({ apiVersion: API_VERSION, kind: 'RegistryConfig', caches });

const entry = (providerConfig: object, more: object = {}) => ({
  type: 'registry-cache',
  providerConfig,
  ...more,
});

interface Seed extends AsyncDisposable {
  readonly api: ApiServer;
  readonly gardenlet: Gardenlet;
  /** Creates a Shoot, and an Extension for each of its entries. */
  shoot(name: string, extensions: readonly object[], resources?: readonly object[]): void;
  list(): Promise<LarderFieldsReport>;
}

async function startSeed(): Promise<Seed> {
  const api = await startApi();
  const gardenlet = createGardenlet(api);
  return {
    api,
    gardenlet,
    shoot(name, extensions, resources = []) {
      const namespace = `shoot--p--${name}`;
      gardenlet.createShoot(namespace);
      gardenlet.patchShoot(namespace, {
        metadata: { name, namespace: 'garden-p' },
        spec: { extensions, resources },
      });
      for (const one of extensions as { type: string; providerConfig: object }[])
        gardenlet.apply(namespace, one);
    },
    async list() {
      await using client = clientOf(api);
      return await listLarderFields(client, forever().signal);
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

test('a seed whose Shoots have only fields of the Go extension is clean', async () => {
  await using seed = await startSeed();
  assert.deepEqual(await seed.list(), { found: [], shoots: 0 });

  seed.shoot('a', [entry(config({ upstream: 'docker.io', garbageCollection: { ttl: '1h' } }))]);
  seed.shoot('b', []);
  seed.shoot('c', [{ type: 'shoot-dns', providerConfig: { preload: [] } }]);
  assert.deepEqual(await seed.list(), { found: [], shoots: 3 });
});

test('Shoots with fields of Larder are named by namespace, with the paths of the fields', async () => {
  await using seed = await startSeed();
  const preload = ['library/alpine:3.22'];
  seed.shoot('b', [
    { type: 'shoot-dns' },
    entry(config({ upstream: 'a.io' }, { upstream: 'b.io', preload, freshness: { tagTTL: '1m' } })),
  ]);
  seed.shoot('a', [entry(config({ upstream: 'a.io', garbageCollection: { maxSize: '1Gi' } }))]);
  seed.shoot('c', [entry(config({ upstream: 'a.io' }))]);

  assert.deepEqual(await seed.list(), {
    found: [
      { namespace: 'shoot--p--a', shoot: 'garden-p/a', fields: ['caches[0].garbageCollection.maxSize'] },
      {
        namespace: 'shoot--p--b',
        shoot: 'garden-p/b',
        fields: ['caches[1].preload', 'caches[1].freshness'],
      },
    ],
    shoots: 3,
  });
});

test('Shoot and Extension are both looked at: one of them may be older, and the Go admission reads disabled entries', async () => {
  await using seed = await startSeed();
  const own = config({ upstream: 'a.io', preload: [] });
  seed.shoot('disabled', []);
  seed.gardenlet.patchShoot('shoot--p--disabled', { spec: { extensions: [entry(own, { disabled: true })] } });
  seed.shoot('older', [entry(own)]);
  seed.gardenlet.patchShoot('shoot--p--older', {
    spec: { extensions: [entry(config({ upstream: 'a.io' }))] },
  });
  seed.shoot('without-cluster', [entry(own)]);
  seed.gardenlet.deleteCluster('shoot--p--without-cluster');

  const { found } = await seed.list();
  assert.deepEqual(
    found.map(({ shoot, fields }) => [shoot, fields]),
    [
      ['garden-p/disabled', ['caches[0].preload']],
      ['garden-p/older', ['caches[0].preload']],
      [undefined, ['caches[0].preload']],
    ],
  );
});

test('a Secret that Go cannot read is named, and one with both forms is not', async () => {
  await using seed = await startSeed();
  const resources = ['docker', 'both', 'plain'].map((name) => ({
    name,
    resourceRef: { apiVersion: 'v1', kind: 'Secret', name: `${name}-v1` },
  }));
  const caches = ['docker', 'both', 'plain', 'missing'].map((secretReferenceName, index) => ({
    upstream: `${index}.io`,
    secretReferenceName,
  }));
  seed.shoot('a', [entry(config(...caches))], resources);
  const login = { username: 'eA==', password: 'eA==' };
  for (const [name, data] of [
    ['ref-docker-v1', { '.dockerconfigjson': 'e30=' }],
    ['ref-both-v1', { '.dockerconfigjson': 'e30=', ...login }],
    ['ref-plain-v1', login],
  ] as const) {
    const metadata = { name, namespace: 'shoot--p--a' };
    seed.api.put('v1/secrets', { apiVersion: 'v1', kind: 'Secret', metadata, data });
  }

  const { found } = await seed.list();
  assert.deepEqual(
    found.map(({ fields }) => fields),
    [['caches[0].secretReferenceName (Secret of type kubernetes.io/dockerconfigjson)']],
  );
});

test('whatever is in an entry, the list goes on, and a Cluster without a Shoot is named in it', async () => {
  await using seed = await startSeed();
  seed.shoot('a', [
    entry({ apiVersion: 'x/v1', kind: 'Other', caches: 7 }),
    { type: 'registry-cache' },
    entry(config(null as never, { upstream: 5, preload: 1 })),
  ]);
  const { found } = await seed.list();
  assert.deepEqual(
    found.map(({ fields }) => fields),
    [['caches[1].preload']],
  );

  seed.api.put('extensions.gardener.cloud/v1alpha1/clusters', {
    apiVersion: 'extensions.gardener.cloud/v1alpha1',
    kind: 'Cluster',
    metadata: { name: 'shoot--p--b' },
  });
  assert.deepEqual((await seed.list()).found.at(-1), {
    namespace: 'shoot--p--b',
    shoot: undefined,
    fields: ['(Cluster shoot--p--b: it has no Shoot)'],
  });
});
