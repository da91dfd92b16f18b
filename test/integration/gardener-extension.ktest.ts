/** Runs `larder extension` at real API servers, with the rights of its chart, and compares its starts with recordings of the Go extension v0.24.0. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { createDifferenceReport } from '../gardener/difference-report.ts';
import {
  EXTENSION_NAMESPACE,
  startExtension,
  startExtensionLab,
  type ExtensionLab,
} from '../gardener/extension-lab.ts';
import { createLabShoot, type LabShoot } from '../gardener/lab-gardener.ts';
import { list, type LabObject } from '../gardener/lab-objects.ts';
import { startLabProgram } from '../gardener/lab-program.ts';
import { semantic } from '../gardener/semantic.ts';
import { registeredBundle, runStartUpCase, type StartUpCase } from '../gardener/start-up-case.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${EXTENSION_NAMESPACE}/leases`;
const HEARTBEAT = 'gardener-extension-heartbeat';
const LEASE = 'extension-registry-cache-leader-election';
const STARTS = new URL('../gardener/cases/startup/', import.meta.url);
const COLLECTABLE = 'resources.gardener.cloud/garbage-collectable-reference';
/** Objects of a shoot's namespace, which stands for the star. */
const KINDS = [
  '/api/v1/*/secrets',
  '/api/v1/*/configmaps',
  '/apis/resources.gardener.cloud/v1alpha1/*/managedresources',
  '/apis/monitoring.coreos.com/v1/*/prometheusrules',
  '/apis/monitoring.coreos.com/v1alpha1/*/scrapeconfigs',
];

const CACHES = (...upstreams: string[]): object => ({
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  caches: upstreams.map((upstream) => ({ upstream })),
});

interface Status {
  readonly lastOperation?: { readonly type: string; readonly state: string };
  readonly lastError?: object;
  readonly providerStatus?: {
    readonly caches: readonly { readonly upstream: string; readonly endpoint: string }[];
  };
}

interface Lease extends LabObject {
  readonly spec: { readonly holderIdentity: string; readonly renewTime: string };
}

describe('larder extension', requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']), () => {
  let lab: ExtensionLab;

  before(async () => {
    lab = await startExtensionLab();
  });

  after(() => lab[Symbol.asyncDispose]());

  const leases = async () => (await list(lab.seed, LEASES)) as Lease[];
  const leaseOf = async (name: string) => (await leases()).find(({ metadata }) => metadata.name === name);
  const forgetLeases = async () => {
    for (const { metadata } of await leases())
      await lab.seed.requests('DELETE', `${LEASES}/${metadata.name}`);
  };

  describe('starts and ends as recorded, but for what is listed', () => {
    const names = readdirSync(STARTS).filter((one) => one.startsWith('controller-'));
    const report = createDifferenceReport(names.map((name) => `startup/${name}`));

    const outcomeOf = (input: StartUpCase): Promise<object> => {
      const { flags = {} } = input;
      const isOff = (flag: string, name: string) => String(flags[flag] ?? '').includes(name);
      return runStartUpCase(lab, startExtension, input, async () => {
        const isRegistered = isOff('--disable-webhooks', '*') || (await registeredBundle(lab)) !== '';
        return (
          isRegistered &&
          (isOff('--disable-controllers', 'heartbeat') || (await leaseOf(HEARTBEAT)) !== undefined)
        );
      });
    };

    for (const name of names) {
      test(name, async () => {
        const read = (file: string): unknown =>
          parse(readFileSync(new URL(`${name}/${file}`, STARTS), 'utf8'));
        const outcome = await outcomeOf(read('input.yaml') as StartUpCase);
        const recorded = semantic(read('expected.yaml'));
        assert.deepEqual(report.compare(`startup/${name}`, recorded, semantic(outcome)), []);
      });
    }

    test('and the list has no entry that explains nothing', (context) => {
      context.diagnostic(report.summary());
      assert.deepEqual(report.unused(), []);
    });
  });

  const statusOf = async (shoot: LabShoot, type: string): Promise<Status | undefined> =>
    (await shoot.find(type))?.status;
  async function succeeded(shoot: LabShoot, type: string, operation: string): Promise<Status> {
    const isDone = async () => {
      const found = await shoot.find(type);
      const { lastOperation } = (found?.status ?? {}) as Status;
      const isAsked = found?.metadata.annotations?.['gardener.cloud/operation'] !== undefined;
      return !isAsked && lastOperation?.state === 'Succeeded' && lastOperation.type === operation;
    };
    await waitFor(isDone, { limitMs: 30_000, everyMs: 50, what: `${operation} of ${type}` });
    return (await statusOf(shoot, type)) as Status;
  }

  test('a shoot gets its caches, more of them, and loses them, with the rights of the chart', async () => {
    await forgetLeases();
    await using program = startExtension(lab);
    await using shoot = await createLabShoot(lab, 'shoot--p--life');
    await waitFor(() => program.isReady());
    await shoot.apply('registry-mirror');
    await shoot.apply('registry-cache', CACHES('docker.io'));
    await succeeded(shoot, 'registry-mirror', 'Create');
    const first = await succeeded(shoot, 'registry-cache', 'Create');
    const services = async () =>
      (await list(lab.shoot, '/api/v1/namespaces/kube-system/services')) as (LabObject & {
        spec: { clusterIP: string };
      })[];
    const [service] = await services();
    assert.deepEqual(first.providerStatus?.caches, [
      {
        upstream: 'docker.io',
        endpoint: `https://${service?.spec.clusterIP}:5000`,
        remoteURL: 'https://registry-1.docker.io',
      },
    ]);

    await shoot.apply('registry-cache', CACHES('docker.io', 'ghcr.io'));
    const second = await succeeded(shoot, 'registry-cache', 'Reconcile');
    assert.deepEqual(
      second.providerStatus?.caches.map(({ upstream }) => upstream),
      ['docker.io', 'ghcr.io'],
    );
    assert.equal(second.providerStatus?.caches[0]?.endpoint, first.providerStatus?.caches[0]?.endpoint);

    for (const type of ['registry-cache', 'registry-mirror']) await shoot.delete(type);
    for (const type of ['registry-cache', 'registry-mirror'])
      await waitFor(async () => (await shoot.find(type)) === undefined, {
        limitMs: 30_000,
        what: `the end of ${type}`,
      });
    assert.equal((await services()).length, 0);
    const left = await Promise.all(
      KINDS.map((path) => list(lab.seed, path.replace('*', `namespaces/${shoot.namespace}`))),
    );
    // gardener-resource-manager collects the Secrets of former manifests.
    const kept = left.flat().filter(({ metadata }) => metadata.labels?.[COLLECTABLE] !== 'true');
    assert.deepEqual(
      kept.map(({ metadata }) => metadata.name),
      ['gardener-internal'],
    );
    assert.doesNotMatch(program.output(), /forbidden/);
    assert.equal(await program.stop(), 0);
  });

  test('lists the Shoots with fields that only Larder has, with the rights of the chart', async () => {
    await using shoot = await createLabShoot(lab, 'shoot--p--fields');
    const config = { ...CACHES('docker.io'), caches: [{ upstream: 'docker.io', preload: ['a:1'] }] };
    await shoot.apply('registry-cache', config);
    const flags = { '--kubeconfig': lab.kubeconfig, '--list-larder-fields': 'true' };
    await using program = startLabProgram(lab, 'extension', flags);
    await program.ended;
    assert.match(program.output(), /^shoot--p--fields +\S+ +caches\[0\]\.preload$/m);
    assert.match(program.output(), /^The Go extension refuses these fields, of 1 of \d Shoots?\.$/m);
    assert.equal(program.exitCode(), 1);
    await shoot.delete('registry-cache');
  });

  test('of two replicas the leader works; when it is killed or loses the lease, the other continues', async () => {
    await forgetLeases();
    const start = (port: number) =>
      startExtension(lab, {
        '--leader-election': 'true',
        '--disable-webhooks': '*',
        '--metrics-bind-address': '0',
        '--health-bind-address': `127.0.0.1:${port}`,
      });
    await using shoot = await createLabShoot(lab, 'shoot--p--two');
    await using first = start(8081);
    await waitFor(() => leaseOf(HEARTBEAT), { limitMs: 10_000 });
    await using second = start(8082);
    await waitFor(() => second.isReady());
    const leader = async () => (await leaseOf(LEASE))?.spec.holderIdentity;
    const leaderAtFirst = await leader();
    await shoot.apply('registry-cache', CACHES('docker.io'));
    await waitFor(async () => (await statusOf(shoot, 'registry-cache'))?.lastOperation !== undefined);
    await first.kill();
    await succeededAfterTakeOver(shoot);
    assert.notEqual(await leader(), leaderAtFirst);

    // Somebody takes the lease away.
    const lease = (await leaseOf(LEASE)) as Lease;
    await lab.seed.requests('PUT', `${LEASES}/${LEASE}`, {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: 'another',
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    });
    await waitFor(() => second.exitCode() !== null, {
      limitMs: 15_000,
      what: 'the end of the former leader',
    });
    assert.equal(second.exitCode(), 1);
    assert.match(second.error() ?? '', /no longer leads: another process holds the lease/);
  });

  async function succeededAfterTakeOver(shoot: LabShoot): Promise<void> {
    const isDone = async () =>
      (await statusOf(shoot, 'registry-cache'))?.lastOperation?.state === 'Succeeded';
    await waitFor(isDone, {
      limitMs: 30_000,
      everyMs: 100,
      what: 'the end of the work of the killed leader',
    });
    await waitFor(async () => (await leaseOf(LEASE))?.spec.holderIdentity !== undefined);
  }
});
