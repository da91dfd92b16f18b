/** Plays gardener-resource-manager and gardenlet's clean-up with the manifests of Larder at a real API server, which is seed and shoot at once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../src/kit/clock.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import { anyResource } from '../gardener/lab-cluster.ts';
import { createFindKind } from '../gardener/landscape/kinds.ts';
import {
  createManagedResources,
  type HandleManagedResource,
} from '../gardener/landscape/managed-resources.ts';
import { cleanUp } from '../gardener/landscape/shoot-clean-up.ts';
import { waitFor } from '../kit/index.ts';
import { forever, realTimeClientOf } from '../kube/client.ts';
import { endpointOf } from '../kube/real-api.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const SHOOT = 'shoot--lab--one';
const LARDER = 'larder-system';
const NO_CLEANUP = 'shoot.gardener.cloud/no-cleanup';
const KEEP = 'resources.gardener.cloud/keep-object';
const INSTALL = new URL('../../deploy/install.yaml', import.meta.url);

const CONFIG = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  metadata: { name: 'first', namespace: 'default' },
  spec: { caches: [{ upstream: 'registry.example.com' }] },
};

interface Found {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

describe('gardener-resource-manager of the landscape', requireParts(GROUPS.api), () => {
  let api: ApiServer;
  let handle: HandleManagedResource;
  let client: ReturnType<typeof realTimeClientOf>;
  const cleanup = new AsyncDisposableStack();

  before(async () => {
    api = cleanup.use(await startApiServer({ controllerManager: true }));
    client = cleanup.use(realTimeClientOf(endpointOf(api.access), systemClock));
    const findKind = createFindKind(discover);
    handle = createManagedResources({ seed: client, shoot: client, findKind, clock: systemClock });
    await api.kubectl.apply(
      anyResource('resources.gardener.cloud', 'v1alpha1', 'ManagedResource', { status: true }),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SHOOT } },
    );
    await waitFor(
      () => api.kubectl('get', '--raw', '/apis/resources.gardener.cloud/v1alpha1/managedresources'),
      {
        everyMs: 100,
        what: 'the kind',
      },
    );
  });
  after(() => cleanup.disposeAsync());

  /** Reads what the server says about a group. Undefined if it has none of that name. */
  async function discover(path: string): Promise<object | undefined> {
    try {
      return JSON.parse(await api.kubectl('get', '--raw', path)) as object;
    } catch (error) {
      if (/not ?found|could not find/i.test(String(error))) return undefined;
      throw error;
    }
  }
  const turn = () => handle({ namespace: SHOOT, name: 'larder' }, forever().signal);
  const until = (wanted: string) =>
    waitFor(async () => (await turn()) === wanted, { limitMs: 10_000, everyMs: 200, what: wanted });
  const found = async (kinds: string, ...rest: readonly string[]) =>
    (await api.kubectl.json<{ readonly items: readonly Found[] }>(kinds, ...rest)).items;

  test('applies operator, definitions and an object of them from one ManagedResource', async () => {
    const objects = parseAllDocuments(readFileSync(INSTALL, 'utf8'))
      .map((document) => document.toJS() as { kind: string; metadata: { annotations?: object } } | null)
      .filter((one) => one !== null);
    for (const { kind, metadata } of objects)
      if (kind === 'CustomResourceDefinition')
        metadata.annotations = { ...metadata.annotations, [KEEP]: 'true' };
    const text = [CONFIG, ...objects].map((one) => JSON.stringify(one)).join('\n---\n');
    await api.kubectl.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'larder', namespace: SHOOT },
        stringData: { 'all.yaml': text },
      },
      {
        apiVersion: 'resources.gardener.cloud/v1alpha1',
        kind: 'ManagedResource',
        metadata: { name: 'larder', namespace: SHOOT },
        spec: { secretRefs: [{ name: 'larder' }], injectLabels: { [NO_CLEANUP]: 'true' } },
      },
    );
    await until('done');
    assert.equal((await found('registryconfigs', '-n', 'default')).length, 1);
    assert.equal((await found('deployments', '-n', LARDER)).length, 1);
  });

  test('labels the pods too, which is what keeps them in the clean-up of a deletion', async () => {
    await api.kubectl('create', 'deployment', 'owners', '--image=x');
    const pods = async () => (await found('pods', '-A')).map(({ metadata }) => metadata);
    const runsIn = async (namespace: string) => (await pods()).some((one) => one.namespace === namespace);
    const both = async () => (await runsIn(LARDER)) && runsIn('default');
    await waitFor(both, { limitMs: 10_000, everyMs: 200, what: 'pods of the owner and of Larder' });
    const deps = { shoot: client, clock: systemClock };
    const isClean = async () => (await cleanUp(deps, 'workloads', Date.now(), forever())).length === 0;
    await waitFor(isClean, { limitMs: 10_000, everyMs: 200, what: 'the clean-up' });
    assert.deepEqual(new Set((await pods()).map(({ labels }) => labels?.[NO_CLEANUP])), new Set(['true']));
    assert.equal((await found('deployments', '-A')).length, 1);
    assert.equal((await found('registryconfigs', '-n', 'default')).length, 1);
  });

  test('changes nothing that is as it should be, and brings back what was deleted', async () => {
    const kinds = 'deployments,daemonsets,serviceaccounts,roles,rolebindings,resourcequotas,networkpolicies';
    const versions = async () =>
      (await found(kinds, '-n', LARDER))
        .filter(({ kind }) => kind !== 'ResourceQuota')
        .map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.resourceVersion}`);
    await waitFor(
      async () => {
        const before = await versions();
        await turn();
        return JSON.stringify(before) === JSON.stringify(await versions());
      },
      { limitMs: 10_000, everyMs: 500, what: 'a turn that writes nothing' },
    );
    await api.kubectl('delete', 'daemonset', 'larder-node-agent', '-n', LARDER);
    await until('done');
    assert.equal((await found('daemonsets', '-n', LARDER)).length, 1);
  });

  test('deletes all of it but the definitions, which say so', async () => {
    await api.kubectl('delete', 'managedresource', 'larder', '-n', SHOOT, '--wait=false');
    await until('gone');
    const names = (await found('crds')).map(({ metadata }) => metadata.name);
    assert.ok(names.includes('registryconfigs.registry.extensions.gardener.cloud'), names.join());
    assert.equal(
      (await found('namespaces')).some(({ metadata }) => metadata.name === LARDER),
      false,
    );
    assert.equal(
      (await found('clusterroles')).some(({ metadata }) => metadata.name.startsWith('larder')),
      false,
    );
  });
});
