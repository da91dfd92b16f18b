/** Objects of the real Go extension in a seed, taken over by the controllers, handed back, and written by the Go extension again. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { startCachesWorld, type CachesWorld } from './caches-world.ts';
import { differencesOf } from './differences.ts';
import { GO_INPUT, GO_NAMESPACE, GO_TIME, objectsForShoot, putGoShoot } from './go-shoot.ts';
import type { AnyObject } from './recorded-snapshot.ts';
import { rememberedCertificates } from './remembered-certificates.ts';

const CA = 'ca-extension-registry-cache-0ebe6dfd';

interface Lab extends CachesWorld {
  /** Objects that were deleted, and those that were created or changed, since the last call. */
  changes(): { readonly deleted: readonly string[]; readonly written: readonly string[] };
  /** Asks for a reconcile as gardenlet does, and waits. */
  reconcile(): Promise<void>;
}

/** A seed that the Go extension has left. Nobody works on it yet. */
async function startLab(): Promise<Lab> {
  const certificates = rememberedCertificates();
  const lab = await startCachesWorld({ namespace: GO_NAMESPACE, input: GO_INPUT, certificates });
  const { world, shoot } = lab;
  world.clock.advance(GO_TIME - world.clock.now());
  putGoShoot(lab);
  let [deleted, written] = [new Set<string>(), new Set<string>()];
  for (const { store } of [world.api, shoot])
    store.onChange(({ object: { kind, metadata }, isDeletion }) => {
      (isDeletion ? deleted : written).add(`${kind}/${metadata.name}`);
    });
  return {
    ...lab,
    changes() {
      const found = { deleted: [...deleted].toSorted(), written: [...written].toSorted() };
      [deleted, written] = [new Set(), new Set()];
      return found;
    },
    async reconcile() {
      world.gardenlet.annotate(GO_NAMESPACE, 'registry-cache', 'reconcile');
      await lab.settle();
      assert.equal(statusOf(lab)?.lastOperation?.state, 'Succeeded');
    },
  };
}

const statusOf = ({ world }: CachesWorld) => world.gardenlet.find(GO_NAMESPACE, 'registry-cache')?.status;

const providerStatusOf = (lab: CachesWorld) =>
  statusOf(lab)?.providerStatus as { readonly caSecretName: string; readonly caches: readonly object[] };

/** Everything by which a user or the API server knows an object again. */
const identities = (lab: CachesWorld) => ({
  resources: lab.world.api.store
    .list('resources.gardener.cloud/v1alpha1/managedresources', GO_NAMESPACE)
    .map(({ metadata }) => [metadata.name, metadata.uid]),
  services: lab.shoot.store
    .list('v1/services', 'kube-system')
    .map(({ metadata, spec }) => [metadata.name, metadata.uid, (spec as { clusterIP: string }).clusterIP]),
  authority: [lab.world.api.store.get({ collection: 'v1/secrets', namespace: GO_NAMESPACE, name: CA })],
  caches: providerStatusOf(lab).caches,
});

/** Fields of the objects for the shoot that differ, but for empty ones. Secrets have names of their content. */
function differingFields(
  before: Readonly<Record<string, AnyObject>>,
  after: Readonly<Record<string, AnyObject>>,
): string[] {
  const pick = (objects: Readonly<Record<string, AnyObject>>) =>
    withoutEmpty(Object.fromEntries(Object.entries(objects).filter(([key]) => !key.startsWith('Secret/'))));
  const fields = [...differencesOf(pick(before), pick(after))].map(({ path }) =>
    path.replace(/secret-[^/]*$/, 'secret-HASH'),
  );
  return [...new Set(fields)].toSorted();
}

/** Also without the status, which is empty in a manifest. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value)
    .filter(([key]) => key !== 'status')
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(
      ([, inner]) => inner !== '' && !(typeof inner === 'object' && Object.keys(inner ?? {}).length === 0),
    );
  return Object.fromEntries(fields);
}

/** The fields of a StatefulSet that differ when these of its pods do. */
function podFields(name: string, ...fields: readonly string[]): string[] {
  const reference = 'metadata/annotations/reference.resources.gardener.cloud/secret-HASH';
  return [
    `/StatefulSet/${name}/${reference}`,
    `/StatefulSet/${name}/spec/template/${reference}`,
    ...fields.map((field) => `/StatefulSet/${name}/spec/template/spec/${field}`),
  ];
}

const IMAGE = ['containers[0]/image', 'containers[0]/resources/requests/memory'];
const CONFIG = 'volumes[0]/secret/secretName';
const CERTIFICATE = 'volumes[1]/secret/secretName';
/** Differences between a cache of Distribution and one of Larder. */
const OTHER_PROGRAM = [
  ...podFields('registry-docker-io', ...IMAGE, CONFIG, CERTIFICATE),
  ...podFields('registry-ghcr-io', ...IMAGE, CONFIG),
];

test('Larder takes over, hands back, and nothing is made again in either direction', async () => {
  await using lab = await startLab();
  const go = { identities: identities(lab), objects: objectsForShoot(lab), bundle: bundleOf(lab) };

  // It waits until gardenlet asks.
  const first = lab.start();
  await lab.settle();
  assert.deepEqual(lab.changes(), { deleted: [], written: [] });

  await lab.reconcile();
  const taken = objectsForShoot(lab);
  assert.deepEqual(differingFields(go.objects, taken), OTHER_PROGRAM);
  assert.deepEqual(identities(lab), go.identities);
  assert.deepEqual(lab.changes().deleted, [
    'Secret/ca-extension-registry-cache-bundle-4eb7a741',
    'Secret/registry-docker-io-tls-c75e3baa',
  ]);
  // Nodes have the old bundle until their next configuration, which is not different.
  assert.equal(bundleOf(lab), go.bundle);
  const authority = new X509Certificate(go.bundle);
  assert.ok(serverCertificate(lab).verify(authority.publicKey));

  // One roll, however often it is reconciled.
  await lab.reconcile();
  assert.deepEqual(lab.changes(), { deleted: [], written: ['Extension/registry-cache'] });
  await first.stop();

  const second = lab.start(undefined, { handBack: true });
  await lab.reconcile();
  const handed = objectsForShoot(lab);
  assert.deepEqual(differingFields(taken, handed), [
    ...podFields('registry-docker-io', CONFIG),
    ...podFields('registry-ghcr-io', CONFIG),
  ]);
  for (const cache of ['registry-docker-io', 'registry-ghcr-io'])
    assert.deepEqual(configFiles(handed, cache), {
      ...configFiles(taken, cache),
      'larder.yaml': 'handBack: true\n',
    });
  assert.deepEqual(identities(lab), go.identities);
  lab.changes();
  await lab.reconcile();
  assert.deepEqual(lab.changes(), { deleted: [], written: ['Extension/registry-cache'] });
  await second.stop();

  putGoShoot(lab);
  assert.deepEqual(differingFields(handed, objectsForShoot(lab)), OTHER_PROGRAM);
  assert.deepEqual(identities(lab), go.identities);
  assert.deepEqual(lab.changes().deleted, []);
});

test('the Go extension finds the Secrets of Larder by their labels, and cleans them up', async () => {
  await using lab = await startLab();
  const labels = () =>
    Object.fromEntries(
      managedSecrets(lab).map(({ metadata }) => {
        const { name, 'managed-by': by, 'manager-identity': identity } = metadata.labels ?? {};
        return [metadata.name.replace(/(bundle|tls)-[0-9a-f]{8}$/, '$1'), [name, by, identity]];
      }),
    );
  const before = labels();
  lab.start();
  await lab.reconcile();
  assert.deepEqual(labels(), before);
  assert.equal(Object.keys(before).length, 3);
});

/** The files of the configuration of a cache. */
function configFiles(objects: Readonly<Record<string, AnyObject>>, cache: string): Record<string, string> {
  const key = Object.keys(objects).find((one) => one.startsWith(`Secret/${cache}-config-`)) ?? '';
  const files = Object.entries(objects[key]?.data ?? {});
  return Object.fromEntries(files.map(([file, text]) => [file, Buffer.from(text, 'base64').toString()]));
}

function managedSecrets({ world }: CachesWorld): AnyObject[] {
  const secrets = world.api.store.list('v1/secrets', GO_NAMESPACE) as unknown as AnyObject[];
  return secrets.filter(({ metadata }) => metadata.labels?.['managed-by'] === 'secrets-manager');
}

function bundleOf(lab: CachesWorld): string {
  return pemIn(lab, providerStatusOf(lab).caSecretName, 'bundle.crt');
}

function serverCertificate(lab: CachesWorld): X509Certificate {
  const found = managedSecrets(lab).find(({ data = {} }) => 'tls.crt' in data);
  return new X509Certificate(pemIn(lab, found?.metadata.name ?? '', 'tls.crt'));
}

function pemIn({ world }: CachesWorld, name: string, entry: string): string {
  const key = { collection: 'v1/secrets', namespace: GO_NAMESPACE, name };
  const { data } = world.api.store.get(key) as unknown as AnyObject;
  return Buffer.from(data?.[entry] ?? '', 'base64').toString();
}
