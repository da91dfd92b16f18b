import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGardenlet, type Gardenlet } from '../../test/gardener/gardenlet.ts';
import { createProgramProbes, type ProgramProbes } from '../../test/gardener/program-probes.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { startApi, type ApiServer } from '../../test/kube/api-server.ts';
import { connectionTo } from '../../test/kube/client.ts';
import { postReview, reviewOf } from '../../test/kube/reviews.ts';
import { freePort } from '../../test/parts/free-port.ts';
import { ManualClock } from '../kit/clock.ts';
import { startExtension, type ExtensionSettings } from './extension-program.ts';
import { CONTROLLERS, HEARTBEAT_LEASE } from './names.ts';
import type { ProgramLife } from './program-life.ts';
import { webhookNames } from './webhook/webhook-names.ts';

const NAMESPACE = 'extension-registry-cache';
const LEASE = { namespace: NAMESPACE, name: 'lease' };
const LEASES = 'coordination.k8s.io/v1/leases';
const SHOOT = 'shoot--p--one';

const MUTATING = 'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** A configuration of nodes that no webhook has to change, so that nothing is read for it. */
const REVIEW = reviewOf({
  uid: '1',
  kind: { group: 'extensions.gardener.cloud', version: 'v1alpha1', kind: 'OperatingSystemConfig' },
  operation: 'CREATE',
  object: { metadata: { name: 'o', namespace: SHOOT }, spec: { purpose: 'provision' } },
});

interface Setting extends AsyncDisposable, Pick<ProgramProbes, 'logged' | 'status'> {
  readonly clock: ManualClock;
  readonly seed: ApiServer;
  readonly gardenlet: Gardenlet;
  start(change?: Partial<ExtensionSettings>): Promise<ProgramLife>;
  /** Webhooks that the namespace of the program owns. */
  readonly webhooks: NonNullable<ExtensionSettings['webhooks']>;
  /** True if the webhook of caches allows {@link REVIEW}. Undefined if nothing listens. */
  readonly isAllowed: () => Promise<boolean | undefined>;
  /** Identity of the replica that has a Lease. */
  leaseOf(name: string): string | undefined;
  mirrorState(): string | undefined;
}

/** A seed with a shoot that has a mirror. */
async function setting(): Promise<Setting> {
  await using cleanup = new AsyncDisposableStack();
  const seed = cleanup.use(await startApi());
  const gardenlet = createGardenlet(seed);
  gardenlet.createShoot(SHOOT);
  gardenlet.apply(SHOOT, { type: 'registry-mirror' });
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const probes = await createProgramProbes();
  const own = cleanup.use(tempDir());
  const address = { host: '127.0.0.1', port: await freePort() };
  seed.put('v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const owned = cleanup.move();
  return {
    clock,
    seed,
    gardenlet,
    logged: probes.logged,
    status: probes.status,
    start: (change) =>
      startExtension(
        { connection: connectionTo(seed), clock, logger: probes.logger, random: () => 0 },
        {
          controllers: CONTROLLERS,
          image: () => 'registry.example/larder:1',
          shootAddress: 'internal',
          handBack: false,
          concurrency: 5,
          ignoreOperationAnnotation: false,
          lease: LEASE,
          heartbeat: { namespace: NAMESPACE, renewSeconds: 30 },
          identity: 'me',
          metricsAddress: probes.metricsAddress,
          healthAddress: probes.healthAddress,
          version: '1.2.3',
          webhooks: undefined,
          ...change,
        },
      ),
    webhooks: {
      types: ['registry-cache', 'registry-mirror'],
      names: webhookNames('registry-cache', undefined),
      address,
      place: { mode: 'url', url: '127.0.0.1', namespace: NAMESPACE, servicePort: 0 },
      ownerNamespace: NAMESPACE,
      certificateDirectory: own.path,
    },
    isAllowed: () =>
      postReview(address, '/webhooks/registry-cache', REVIEW).then(
        ({ review }) => review?.response.allowed,
        () => undefined,
      ),
    leaseOf: (name) =>
      (
        seed.store.find({ collection: LEASES, namespace: NAMESPACE, name }) as
          | { readonly spec?: { readonly holderIdentity?: string } }
          | undefined
      )?.spec?.holderIdentity,
    mirrorState: () => gardenlet.find(SHOOT, 'registry-mirror')?.status?.lastOperation?.state,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('it is ready when it knows all Extensions, and as the leader it works and has a heartbeat', async () => {
  await using under = await setting();
  const running = await under.start();
  await waitFor(() => under.logged.includes('ready'));
  assert.deepEqual([await under.status('/healthz'), await under.status('/readyz')], [200, 200]);
  assert.equal(await under.status('/metrics', 'metrics'), 200);
  assert.equal(await under.status('/metrics'), 404);
  await waitFor(() => under.mirrorState() === 'Succeeded');
  await waitFor(() => under.leaseOf(HEARTBEAT_LEASE) === NAMESPACE);
  assert.equal(under.leaseOf(LEASE.name), 'me');

  await running.stop();
  await running.ended;
  assert.equal(under.leaseOf(LEASE.name), '');
  assert.equal(await under.status('/healthz'), undefined);
});

test('a replica that does not lead is ready, and neither works nor has a heartbeat', async () => {
  await using under = await setting();
  const spec = {
    holderIdentity: 'another',
    leaseDurationSeconds: 15,
    renewTime: new Date(under.clock.now()).toISOString(),
  };
  under.seed.put(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: LEASE, spec });
  const running = await under.start();
  await waitFor(async () => (await under.status('/readyz')) === 200);
  assert.equal(under.mirrorState(), undefined);
  assert.equal(under.leaseOf(HEARTBEAT_LEASE), undefined);
  assert.equal(under.leaseOf(LEASE.name), 'another');
  await running.stop();
  await running.ended;
});

test('as long as the Go extension renews the Lease it writes nothing, and then it takes over', async () => {
  await using under = await setting();
  const { clock, seed } = under;
  /** As client-go v0.34 writes it. */
  const renew = (): void => {
    const now = new Date(clock.now()).toISOString().replace('Z', '000Z');
    const spec = {
      holderIdentity: 'gardener-extension-registry-cache-7d9c_8036d64b',
      leaseDurationSeconds: 15,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    };
    seed.put(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: LEASE, spec });
  };
  const writes = () => seed.requests.filter(({ method }) => method !== 'GET');
  renew();
  const running = await under.start();
  await waitFor(async () => (await under.status('/readyz')) === 200);
  const looks = () => seed.requests.filter(({ path }) => path.includes(LEASE.name)).length;
  await waitFor(() => {
    renew();
    clock.advance(500);
    return looks() > 10;
  });
  assert.deepEqual(writes(), []);

  // It does not give the Lease up when it ends.
  await waitFor(() => {
    if (writes().length === 0) clock.advance(200);
    return under.mirrorState() === 'Succeeded';
  });
  assert.equal(writes()[0]?.path.includes(LEASE.name), true);
  await running.stop();
  await running.ended;
});

test('its webhooks are served by every replica, registered by the leader, and after a stop answer for 3 s more', async () => {
  await using under = await setting();
  const { clock, seed, webhooks, isAllowed, status } = under;
  const other = {
    holderIdentity: 'another',
    leaseDurationSeconds: 15,
    renewTime: new Date(clock.now()).toISOString(),
  };
  seed.put(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: LEASE, spec: other });
  const running = await under.start({ webhooks });
  await waitFor(async () => (await status('/readyz')) === 200);
  assert.equal(await isAllowed(), true);
  assert.deepEqual(seed.store.list(MUTATING, undefined), []);

  seed.store.delete({ collection: LEASES, namespace: NAMESPACE, name: LEASE.name });
  await waitFor(() => {
    // The registration has five seconds, which must not pass by this clock while it is under way.
    if (under.leaseOf(LEASE.name) !== 'me') clock.advance(1000);
    return seed.store.list(MUTATING, undefined).length === 1;
  });
  const names = (
    seed.store.list(MUTATING, undefined)[0] as { readonly webhooks?: { readonly name: string }[] }
  ).webhooks;
  assert.deepEqual(
    names?.map(({ name }) => name),
    ['registry-cache', 'registry-mirror'].map((name) => `${name}.registry-cache.extensions.gardener.cloud`),
  );

  const stopped = running.stop();
  await running.ended;
  assert.deepEqual([await status('/readyz'), await isAllowed(), under.leaseOf(LEASE.name)], [503, true, '']);
  clock.advance(3000);
  await stopped;
  assert.equal(await isAllowed(), undefined);
});

test('its webhooks are not registered before it knows all Extensions, and is ready', async () => {
  await using under = await setting();
  const fault = { kind: 'status', status: 403, message: 'no rights here' } as const;
  for (const verb of ['list', 'watch'])
    under.seed.faults.add({ fault, verb, path: '/extensions', times: Infinity });
  const program = await under.start({ webhooks: under.webhooks });
  await waitFor(async () => (await under.isAllowed()) === true);
  await waitFor(() => under.leaseOf(LEASE.name) !== undefined);
  for (let second = 0; second < 8; second += 1) {
    under.clock.advance(1000);
    await new Promise(setImmediate);
  }
  assert.deepEqual([await under.status('/readyz'), under.seed.store.list(MUTATING, undefined)], [503, []]);
  const stopped = program.stop();
  await program.ended;
  await new Promise(setImmediate);
  under.clock.advance(3000);
  await stopped;
});

test('it ends if its webhooks cannot be registered within 5 s, in the words of the Go extension', async () => {
  await using under = await setting();
  const running = await under.start({ webhooks: { ...under.webhooks, ownerNamespace: 'nope' } });
  await waitFor(async () => (await under.status('/readyz')) === 200);
  const failed = assert.rejects(
    running.ended,
    /^LarderError.*: error running manager: retry failed with context deadline exceeded, last error: .* Namespace "nope" not found$/,
  );
  const ended = failed.then(() => true);
  await waitFor(async () => {
    under.clock.advance(1000);
    return Promise.race([ended, Promise.resolve(false)]);
  });
  await running.stop();
});

test('without certificates it is never ready, and ends', async () => {
  await using under = await setting();
  const fault = { kind: 'status', status: 403, message: 'no rights here' } as const;
  under.seed.faults.add({ fault, verb: 'list', path: '/secrets', times: Infinity });
  const running = await under.start({ webhooks: under.webhooks });
  await assert.rejects(running.ended, /could not add the mutating webhook to manager: .*: no rights here/);
  assert.equal(await under.status('/readyz'), 503);
  assert.ok(!under.logged.includes('ready'));
  await running.stop();
});

test('a seed that does not answer leaves it alive and not ready', async () => {
  await using under = await setting();
  under.seed.faults.add({ fault: { kind: 'status', status: 503 }, times: Infinity });
  const running = await under.start();
  assert.deepEqual([await under.status('/healthz'), await under.status('/readyz')], [200, 503]);
  await running.stop();
});

test('without any controller it runs on, and leads', async () => {
  await using under = await setting();
  const running = await under.start({ controllers: [], heartbeat: undefined });
  await waitFor(() => under.leaseOf(LEASE.name) === 'me');
  await waitFor(() => under.logged.includes('ready'));
  assert.equal(under.leaseOf(LEASE.name), 'me');
  assert.equal(under.mirrorState(), undefined);
  await running.stop();
});

test('without a lease it works at once', async () => {
  await using under = await setting();
  const running = await under.start({ lease: undefined });
  await waitFor(() => under.mirrorState() === 'Succeeded');
  await waitFor(() => under.leaseOf(HEARTBEAT_LEASE) === NAMESPACE);
  assert.equal(under.leaseOf(LEASE.name), undefined);
  await running.stop();
});

test('it ends when another process may lead', async () => {
  await using under = await setting();
  const running = await under.start();
  await waitFor(() => under.mirrorState() === 'Succeeded');
  under.seed.faults.add({ fault: { kind: 'status', status: 503 }, times: Infinity });
  const lost = assert.rejects(running.ended, { code: 'LEADERSHIP_LOST' });
  for (let second = 0; second < 20; second += 1) {
    under.clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await lost;
  await running.stop();
});

test('an address in use leaves nothing open', async () => {
  await using under = await setting();
  const port = Number(new URL(under.seed.url).port);
  await assert.rejects(under.start({ metricsAddress: { host: '127.0.0.1', port } }), {
    code: 'ADDRESS_IN_USE',
  });
  assert.equal(await under.status('/healthz'), undefined);
});
