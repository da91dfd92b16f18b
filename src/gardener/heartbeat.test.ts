import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { waitFor } from '../../test/kit/wait.ts';
import { startApi, type ApiServer } from '../../test/kube/api-server.ts';
import { clientOf } from '../../test/kube/client.ts';
import { silentLogger, type Logger } from '../kit/logger.ts';
import { createHeartbeat } from './heartbeat.ts';

const NAMESPACE = 'extension-registry-cache';
const KEY = {
  collection: 'coordination.k8s.io/v1/leases',
  namespace: NAMESPACE,
  name: 'gardener-extension-heartbeat',
};

interface Lease {
  readonly spec: Readonly<Record<string, unknown>>;
}

async function start(api: ApiServer, renewSeconds = 30) {
  const client = clientOf(api);
  const { clock } = client;
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message) => void warnings.push(message),
    with: () => logger,
  };
  const stopping = new AbortController();
  const heartbeat = createHeartbeat({ client, clock, logger }, { namespace: NAMESPACE, renewSeconds });
  const running = heartbeat.run(stopping.signal);
  return {
    clock,
    warnings,
    lease: () => api.store.find(KEY) as unknown as Lease | undefined,
    /** Waits until it pauses after `count` requests. */
    async paused(count: number) {
      await waitFor(() => api.requests.length >= count && clock.pending === 1, { what: `${count} requests` });
      await turn();
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('enough'));
      await running;
      assert.equal(clock.pending, 0);
      await client.close();
    },
  };
}

test('the Lease is made with the name, the identity and the duration that gardenlet expects', async () => {
  await using api = await startApi();
  await using beating = await start(api);
  await beating.paused(2);
  assert.deepEqual(beating.lease()?.spec, {
    holderIdentity: 'extension-registry-cache',
    leaseDurationSeconds: 30,
    renewTime: '2023-11-14T22:13:20.000000Z',
  });
});

test('the Lease is renewed in the interval by one request, and by none in between', async () => {
  await using api = await startApi();
  await using beating = await start(api, 10);
  await beating.paused(2);
  beating.clock.advance(9_999);
  await turn();
  assert.equal(api.requests.length, 2);
  beating.clock.advance(1);
  await beating.paused(3);
  assert.equal(beating.lease()?.spec['renewTime'], '2023-11-14T22:13:30.000000Z');
  assert.equal(beating.lease()?.spec['leaseDurationSeconds'], 10);
});

test('labels of others stay on the Lease, and fields of an election do not', async () => {
  await using api = await startApi();
  const { collection, ...metadata } = KEY;
  const spec = { holderIdentity: 'another', acquireTime: 'then', leaseTransitions: 3 };
  const labels = { by: 'gardenlet' };
  api.put(collection, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...metadata, labels },
    spec,
  });
  await using beating = await start(api);
  await beating.paused(1);
  assert.deepEqual(Object.keys(beating.lease()?.spec ?? {}).toSorted(), [
    'holderIdentity',
    'leaseDurationSeconds',
    'renewTime',
  ]);
  assert.deepEqual(api.store.get(KEY).metadata.labels, labels);
});

test('a failed renewal is repeated in two seconds, also if another replica made the Lease first', async () => {
  await using api = await startApi();
  api.faults.add({ verb: 'create', fault: { kind: 'status', status: 409, reason: 'AlreadyExists' } });
  api.faults.add({ verb: 'patch', fault: { kind: 'status', status: 404, reason: 'NotFound' } });
  api.faults.add({ verb: 'patch', fault: { kind: 'reset' } });
  await using beating = await start(api);
  await beating.paused(2);
  beating.clock.advance(2_000);
  await beating.paused(3);
  beating.clock.advance(2_000);
  await beating.paused(5);
  assert.equal(beating.lease()?.spec['renewTime'], '2023-11-14T22:13:24.000000Z');
  assert.equal(beating.warnings.length, 2);
});

test('an API server that does not answer is asked again after five seconds', async () => {
  await using api = await startApi();
  api.faults.add({ verb: 'patch', fault: { kind: 'hang' } });
  await using beating = await start(api);
  await waitFor(() => api.requests.length === 1, { what: 'a request' });
  beating.clock.advance(5_000);
  await beating.paused(3);
  assert.notEqual(beating.lease(), undefined);
});

test('a Lease that was deleted is made again', async () => {
  await using api = await startApi();
  await using beating = await start(api);
  await beating.paused(2);
  api.store.delete(KEY);
  beating.clock.advance(30_000);
  await beating.paused(4);
  assert.notEqual(beating.lease(), undefined);
});
