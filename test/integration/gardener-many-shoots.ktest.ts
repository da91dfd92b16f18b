/**
 * A seed whose shoots are all reconciled at once: the webhooks for nodes of the same process answer meanwhile. `LARDER_SHOOTS` is the number of
 * shoots. Times are printed, since a busy machine may be late.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { EXTENSIONS, type Extension } from '../../src/gardener/extensions/resources.ts';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import { startExtension, startExtensionLab, type ExtensionLab } from '../gardener/extension-lab.ts';
import { createLabClient, watchLab } from '../gardener/lab-client.ts';
import type { LabCluster } from '../gardener/lab-cluster.ts';
import { startLabManager } from '../gardener/lab-resource-manager.ts';
import { list } from '../gardener/lab-objects.ts';
import { CACHED_SHOOT, createOscShoot } from '../gardener/osc-lab.ts';
import { baseOsConfig } from '../gardener/play-osc.ts';
import { baseShoot } from '../gardener/recorded-admission.ts';
import { registeredBundle } from '../gardener/start-up-case.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const SHOOTS = Number(process.env['LARDER_SHOOTS'] ?? 8);
const API = '/apis/extensions.gardener.cloud/v1alpha1';
const API_VERSION = 'extensions.gardener.cloud/v1alpha1';
const ASKER = fileURLToPath(new URL('../gardener/lab-asker.ts', import.meta.url));
const ASKED = 'shoot--p--asked';
const ASK = { 'gardener.cloud/operation': 'reconcile' };
const CONFIG = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  caches: [{ upstream: 'docker.io' }],
};

describe('a seed with many shoots', requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']), () => {
  let lab: ExtensionLab;

  before(async () => {
    lab = await startExtensionLab();
  });

  after(() => lab[Symbol.asyncDispose]());

  test(`has its nodes configured while ${SHOOTS} shoots are reconciled`, async (context) => {
    const { signal } = new AbortController();
    await using cleanup = new AsyncDisposableStack();
    const client = async (cluster: LabCluster) =>
      cleanup.adopt(await createLabClient(lab, cluster), (one) => one.close());
    const clients = { seed: await client(lab.seed), shoot: await client(lab.shoot) };
    const { objects: resources } = cleanup.use(await watchLab(clients.seed, MANAGED_RESOURCES));
    const namespaces = Array.from({ length: SHOOTS }, (_, index) => `shoot--p--${index}`);
    for (const namespace of namespaces) {
      await createShoot(namespace);
      cleanup.use(startLabManager({ ...clients, resources }, { namespace }));
    }
    await createOscShoot(lab.seed, ASKED, CACHED_SHOOT);
    await using program = startExtension(lab);
    const ca = await waitFor(() => registeredBundle(lab), { limitMs: 20_000, what: 'the registration' });

    const beside = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const asker = startAsker(ca);
      const begin = performance.now();
      await work();
      await waitFor(async () => (await openShoots()) === 0, {
        limitMs: 20_000 + SHOOTS * 400,
        everyMs: 2000,
        what,
      });
      const seconds = (performance.now() - begin) / 1000;
      context.diagnostic(
        `${SHOOTS} shoots ${what} in ${seconds.toFixed(1)} s: ${summaryOf(await asker.end())}`,
      );
    };
    await beside('created', async () => {
      for (const namespace of namespaces) await createExtension(namespace);
    });
    // A restart finds them all at once, for example with another image.
    await beside('reconciled', async () => {
      for (const namespace of namespaces)
        await clients.seed.mergePatch(
          EXTENSIONS,
          { namespace, name: 'registry-cache' },
          { metadata: { annotations: ASK } },
          { signal },
        );
    });
    assert.equal(await program.stop(), 0);
  });

  function startAsker(ca: string) {
    const { metadata, ...object } = baseOsConfig();
    const request = {
      uid: 'f0d1c2b3-0000-4000-8000-000000000001',
      kind: { group: 'extensions.gardener.cloud', version: 'v1alpha1', kind: 'OperatingSystemConfig' },
      name: metadata['name'],
      namespace: ASKED,
      operation: 'CREATE',
      object: { ...object, metadata: { ...metadata, namespace: ASKED } },
      oldObject: null,
    };
    const files = [lab.write('ca.pem', ca), lab.write('request.json', JSON.stringify(request))];
    const [command = '', ...args] = [
      ...lab.place.enter,
      process.execPath,
      ASKER,
      '10250',
      '/webhooks/registry-cache',
      ...files,
    ];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const output = text(child.stdout);
    return {
      async end(): Promise<readonly number[]> {
        child.stdin.end();
        return JSON.parse(await output) as number[];
      },
    };
  }

  /** Number of shoots whose caches are not what was asked for last. */
  async function openShoots(): Promise<number> {
    const all = (await list(lab.seed, `${API}/extensions`)) as Extension[];
    return all.filter(
      ({ metadata: { annotations = {}, namespace }, status }) =>
        namespace !== ASKED &&
        ('gardener.cloud/operation' in annotations || status?.lastOperation?.state !== 'Succeeded'),
    ).length;
  }

  async function createShoot(namespace: string): Promise<void> {
    const { requests } = lab.seed;
    const labels = {
      'gardener.cloud/role': 'shoot',
      'extensions.gardener.cloud/registry-cache': 'true',
    };
    await requests('POST', '/api/v1/namespaces', { metadata: { name: namespace, labels } });
    await requests('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: 'gardener-internal' },
      stringData: { kubeconfig: lab.shootKubeconfig },
    });
    await requests('POST', `${API}/clusters`, {
      apiVersion: API_VERSION,
      kind: 'Cluster',
      metadata: { name: namespace },
      spec: { shoot: baseShoot(), seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } },
    });
  }

  async function createExtension(namespace: string): Promise<void> {
    await lab.seed.requests('POST', `${API}/namespaces/${namespace}/extensions`, {
      apiVersion: API_VERSION,
      kind: 'Extension',
      metadata: { name: 'registry-cache', namespace, annotations: ASK },
      spec: { type: 'registry-cache', providerConfig: CONFIG },
    });
  }
});

function summaryOf(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  const quick = (100 * times.filter((ms) => ms < 50).length) / times.length;
  return `${times.length} answers, ${quick.toFixed(1)} % within 50 ms, half in ${at(0.5)} ms, 99 % in ${at(0.99)} ms, all in ${at(1)} ms`;
}
