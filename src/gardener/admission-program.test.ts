import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgramProbes, type ProgramProbes } from '../../test/gardener/program-probes.ts';
import { get } from '../../test/kit/client.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { startApi, type ApiServer } from '../../test/kube/api-server.ts';
import { connectionTo } from '../../test/kube/client.ts';
import { postReview, reviewOf } from '../../test/kube/reviews.ts';
import { freePorts } from '../../test/parts/free-port.ts';
import { ManualClock } from '../kit/clock.ts';
import { formatAddress } from '../kit/listen.ts';
import { startAdmission } from './admission-program.ts';
import { ADMISSION_WEBHOOKS } from './names.ts';
import type { ProgramLife } from './program-life.ts';
import { webhookNames } from './webhook/webhook-names.ts';

const LEASE = { namespace: 'garden', name: 'lease' };
const CONFIGURATIONS = 'admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

interface Setting extends AsyncDisposable, Pick<ProgramProbes, 'logged' | 'status' | 'metricsAddress'> {
  readonly clock: ManualClock;
  readonly garden: ApiServer;
  readonly runtime: ApiServer;
  readonly webhookPort: number;
  start(change?: object): Promise<ProgramLife>;
}

/** A garden with the namespace of the owner, and the cluster of the program. */
async function setting(): Promise<Setting> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const garden = cleanup.use(await startApi());
  const runtime = cleanup.use(await startApi());
  garden.put('v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'owner' } });
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const probes = await createProgramProbes();
  const [webhook = 0] = await freePorts(1);
  const owned = cleanup.move();
  return {
    clock,
    garden,
    runtime,
    logged: probes.logged,
    status: probes.status,
    metricsAddress: probes.metricsAddress,
    webhookPort: webhook,
    start: (change) =>
      startAdmission(
        {
          garden: connectionTo(garden),
          runtime: connectionTo(runtime),
          clock,
          logger: probes.logger,
          random: () => 0,
        },
        {
          webhooks: ADMISSION_WEBHOOKS,
          names: webhookNames('registry-cache-admission', undefined),
          address: { host: '127.0.0.1', port: webhook },
          place: { mode: 'url', url: '127.0.0.1', namespace: 'garden', servicePort: 0 },
          ownerNamespace: 'owner',
          certificateDirectory: own.path,
          lease: LEASE,
          identity: 'me',
          metricsAddress: probes.metricsAddress,
          healthAddress: probes.healthAddress,
          version: '1.2.3',
          ...change,
        },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const REVIEW = reviewOf({
  uid: '1',
  kind: { group: 'core.gardener.cloud', version: 'v1beta1', kind: 'Shoot' },
  operation: 'CREATE',
  object: { apiVersion: 'core.gardener.cloud/v1beta1', kind: 'Shoot', metadata: { name: 's' }, spec: {} },
});

test('it is ready when the webhooks are served, registers them as the leader, and after a stop answers for 3 s more', async () => {
  await using under = await setting();
  const { clock, garden, runtime, webhookPort, status } = under;
  const running = await under.start();
  await waitFor(() => under.logged.includes('ready'));
  assert.deepEqual([await status('/healthz'), await status('/readyz')], [200, 200]);
  assert.equal(await status('/metrics', 'metrics'), 200);
  assert.equal(await status('/metrics'), 404);
  assert.equal(await status('/readyz', 'metrics'), 404);
  await waitFor(() => garden.store.list(CONFIGURATIONS, undefined).length === 1);
  const address = { host: '127.0.0.1', port: webhookPort };
  const ask = async () => (await postReview(address, '/webhooks/registry-cache', REVIEW)).review?.response;
  assert.equal((await ask())?.allowed, true);
  assert.match(
    (await get(`http://${formatAddress(under.metricsAddress)}/metrics`)).text(),
    /larder_admission_reviews_total\{webhook="registry-cache-validator",answer="allowed"\} 1/,
  );

  const stopped = running.stop();
  await running.ended;
  assert.equal(await status('/readyz'), 503);
  assert.equal((await ask())?.allowed, true);
  const [lease] = runtime.store.list('coordination.k8s.io/v1/leases', undefined);
  assert.partialDeepStrictEqual(lease, { metadata: { name: LEASE.name }, spec: { holderIdentity: '' } });
  clock.advance(2999);
  assert.equal((await ask())?.allowed, true);
  clock.advance(1);
  await stopped;
  assert.equal(await status('/healthz'), undefined);
  await assert.rejects(ask(), /ECONNREFUSED/);
});

test('it ends at once, before it serves or writes, if the garden does not answer', async () => {
  await using under = await setting();
  under.garden.faults.add({ fault: { kind: 'status', status: 403, message: 'no rights here' }, times: 99 });
  const running = await under.start();
  await assert.rejects(running.ended, /could not create webhooks: no rights here/);
  assert.equal(await under.status('/readyz'), 503);
  await running.stop();
  assert.deepEqual(under.runtime.requestsOf('create'), []);
});

test('it ends when another process may lead, without waiting', async () => {
  await using under = await setting();
  const running = await under.start();
  await waitFor(() => under.garden.store.list(CONFIGURATIONS, undefined).length === 1);
  under.runtime.faults.add({ fault: { kind: 'status', status: 503 }, times: Infinity });
  const lost = assert.rejects(running.ended, { code: 'LEADERSHIP_LOST' });
  for (let second = 0; second < 20; second += 1) {
    under.clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await lost;
  await running.stop();
});

test('without a lease it registers the webhooks itself', async () => {
  await using under = await setting();
  const running = await under.start({ lease: undefined });
  await waitFor(() => under.garden.store.list(CONFIGURATIONS, undefined).length === 1);
  assert.deepEqual(under.runtime.store.list('coordination.k8s.io/v1/leases', undefined), []);
  const stopped = running.stop();
  assert.equal(await under.status('/readyz'), 503);
  under.clock.advance(3000);
  await stopped;
});

test('an address in use leaves nothing open', async () => {
  await using under = await setting();
  const port = Number(new URL(under.garden.url).port);
  const metricsAddress = { host: '127.0.0.1', port };
  await assert.rejects(under.start({ metricsAddress }), { code: 'ADDRESS_IN_USE' });
  assert.equal(await under.status('/healthz'), undefined);
});
