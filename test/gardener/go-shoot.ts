/**
 * A shoot with two caches and a mirror as the Go extension 0.24.0 leaves it in a seed: `cases/go-shoot.json`, taken from a real API server. It has
 * the keys of its certificates, which are of a lab. Manifests are decoded, and texts that are the Go extension's own are left out: the dashboard,
 * alerts, and comments.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';
import { stringify } from 'yaml';
import type { SentObject } from '../kube/api-store.ts';
import type { CachesWorld } from './caches-world.ts';
import { manifestsOf, type AnyObject } from './recorded-snapshot.ts';

interface GoShoot {
  /** Those in the seed, without the Secrets of {@link manifests}. */
  readonly seed: readonly SentObject[];
  /** Services in the shoot. */
  readonly shoot: readonly SentObject[];
  /** Objects for the shoot, by the name of the Secret in the seed that has them. */
  readonly manifests: Readonly<Record<string, readonly AnyObject[]>>;
}

export const GO_NAMESPACE = 'shoot--p--takeover';

/** Input of the owner of the shoot: a login, and the autoscaler. */
export const GO_INPUT = {
  shoot: {
    spec: {
      resources: [{ name: 'creds', resourceRef: { apiVersion: 'v1', kind: 'Secret', name: 'creds-v1' } }],
      kubernetes: { verticalPodAutoscaler: { enabled: true } },
    },
  },
  secrets: { 'ref-creds-v1': { data: { username: 'alice', password: 's3cret' } } },
};

/** Time at which it was taken. */
export const GO_TIME = Date.parse('2026-11-30T23:07:00Z');

export function readGoShoot(): GoShoot {
  const text = readFileSync(new URL('cases/go-shoot.json', import.meta.url), 'utf8');
  return JSON.parse(text) as GoShoot;
}

/** The objects in the seed, Secrets before the ManagedResources that lead to them. */
export function goObjectsInSeed(): SentObject[] {
  const { seed, manifests } = readGoShoot();
  const data = Object.entries(manifests).map(([name, objects]) => {
    const text = objects.map((object) => stringify(object, { version: '1.1' })).join('---\n');
    const labels = { 'resources.gardener.cloud/garbage-collectable-reference': 'true' };
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: GO_NAMESPACE, labels },
      type: 'Opaque',
      immutable: true,
      data: { 'data.yaml.br': brotliCompressSync(text).toString('base64') },
    };
  });
  return [...data, ...seed];
}

/** Writes all objects into the seed and the shoot, as the Go extension does: what exists is changed. */
export function putGoShoot({ world: { api }, shoot }: Pick<CachesWorld, 'world' | 'shoot'>): void {
  for (const service of readGoShoot().shoot) shoot.put(collectionOf(service), service);
  for (const object of goObjectsInSeed()) api.put(collectionOf(object), object);
}

/** The objects of the caches for the shoot, as the seed has them now, by `Kind/name`. */
export function objectsForShoot({ world: { api } }: Pick<CachesWorld, 'world'>): Record<string, AnyObject> {
  const resources = api.store.list('resources.gardener.cloud/v1alpha1/managedresources', GO_NAMESPACE);
  const names = (resources as unknown as AnyObject[]).flatMap(({ spec }) => spec?.secretRefs ?? []);
  const objects = names.flatMap(({ name }) =>
    manifestsOf(
      api.store.get({ collection: 'v1/secrets', namespace: GO_NAMESPACE, name }) as unknown as AnyObject,
    ),
  );
  return Object.fromEntries(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
}

function collectionOf({ apiVersion, kind }: SentObject): string {
  return `${apiVersion}/${kind.toLowerCase()}s`;
}
