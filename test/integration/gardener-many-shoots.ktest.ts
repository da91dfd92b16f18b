/**
 * A seed whose shoots are all reconciled at once: the webhooks for nodes of the same process answer meanwhile. `LARDER_SHOOTS` is the number of
 * shoots. Times are printed, since a busy machine may be late.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import type { Extension } from '../../src/gardener/extensions/resources.ts';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import { startExtension, startExtensionLab, type ExtensionLab } from '../gardener/extension-lab.ts';
import { createLabClient, watchLab } from '../gardener/lab-client.ts';
import type { LabCluster } from '../gardener/lab-cluster.ts';
import { startLabManager } from '../gardener/lab-resource-manager.ts';
import { createSeedShoot, type SeedShoot } from '../gardener/lab-gardener.ts';
import { list } from '../gardener/lab-objects.ts';
import { CACHED_SHOOT, createOscShoot } from '../gardener/osc-lab.ts';
import { osConfigOf, requestOf } from '../gardener/play-osc.ts';
import { registeredBundle } from '../gardener/start-up-case.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const SHOOTS = Number(process.env['LARDER_SHOOTS'] ?? 8);
const API = '/apis/extensions.gardener.cloud/v1alpha1';
const ASKER = fileURLToPath(new URL('../gardener/lab-asker.ts', import.meta.url));
const ASKED = 'shoot--p--asked';
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
    await using cleanup = new AsyncDisposableStack();
    const client = async (cluster: LabCluster) =>
      cleanup.adopt(await createLabClient(lab, cluster), (one) => one.close());
    const clients = { seed: await client(lab.seed), shoot: await client(lab.shoot) };
    const { objects: resources } = cleanup.use(await watchLab(clients.seed, MANAGED_RESOURCES));
    const namespaces = Array.from({ length: SHOOTS }, (_, index) => `shoot--p--${index}`);
    const shoots: SeedShoot[] = [];
    for (const namespace of namespaces) {
      shoots.push(await createSeedShoot(lab, namespace));
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
    const askAll = async (): Promise<void> => {
      for (const shoot of shoots) await shoot.apply('registry-cache', CONFIG);
    };
    await beside('created', askAll);
    // A restart finds them all at once, for example with another image.
    await beside('reconciled', askAll);
    assert.equal(await program.stop(), 0);
  });

  function startAsker(ca: string) {
    const request = requestOf({}, osConfigOf({}, ASKED));
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
});

function summaryOf(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  const quick = (100 * times.filter((ms) => ms < 50).length) / times.length;
  return `${times.length} answers, ${quick.toFixed(1)} % within 50 ms, half in ${at(0.5)} ms, 99 % in ${at(0.99)} ms, all in ${at(1)} ms`;
}
