import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKubeError, isNotFound } from '../../src/kube/kube-error.ts';
import type { WatchQuery } from '../../src/kube/types.ts';
import { waitFor } from '../kit/wait.ts';
import { startApi } from './api-server.ts';
import type { ProxyFault } from './api-faults.ts';
import { startApiProxy } from './api-proxy.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { clientOf, configMap, forever, IN_CONFIG_MAPS } from './client.ts';
import { endpointOf } from './real-api.ts';

async function start() {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await startApi());
  const proxy = cleanup.use(await startApiProxy({ server: api.url }));
  const client = cleanup.use(clientOf(endpointOf(proxy.access)));
  const resources = cleanup.move();
  return { api, proxy, client, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

const QUERY: WatchQuery = { timeoutSeconds: 300, initialEvents: true };
const key = configMap('a').metadata;

describe('a proxy in front of an API server', () => {
  test('passes calls and watches on, and counts them', async () => {
    await using it = await start();
    const { api, proxy, client } = it;
    const made = await client.create(CONFIG_MAPS, configMap('a', { v: 'ä'.repeat(1000) }), forever());
    assert.deepEqual(await client.get(CONFIG_MAPS, key, forever()), made);
    await client.get(CONFIG_MAPS, key, forever());
    await assert.rejects(client.get(CONFIG_MAPS, { ...key, name: 'b' }, forever()), isNotFound);
    for await (const event of client.watch(CONFIG_MAPS, QUERY, forever().signal)) {
      assert.deepEqual(event, { type: 'ADDED', object: made });
      break;
    }
    const common = { resource: 'configmaps', userAgent: 'larder/test' };
    assert.deepEqual(proxy.counts(), [
      { verb: 'get', count: 3, ...common },
      { verb: 'create', count: 1, ...common },
      { verb: 'watch', count: 1, ...common },
    ]);
    await waitFor(() => api.watches.length === 0, { what: 'the end of the watch behind the proxy' });
    proxy.forget();
    assert.deepEqual(proxy.requests(), []);
  });

  const faults: readonly (readonly [ProxyFault, string])[] = [
    [{ kind: 'cut', afterBytes: 30 }, 'Unreachable'],
    [{ kind: 'end', afterBytes: 30 }, 'BadAnswer'],
    [{ kind: 'half-line' }, 'BadAnswer'],
    [{ kind: 'expired-event' }, 'Expired'],
    [{ kind: 'status', status: 410, reason: 'Expired' }, 'Expired'],
    [{ kind: 'reset' }, 'Unreachable'],
  ];
  for (const [fault, reason] of faults) {
    test(`ends a watch by ${JSON.stringify(fault)}`, async () => {
      await using it = await start();
      it.api.put(IN_CONFIG_MAPS, configMap('a'));
      it.proxy.faults.add({ fault, verb: 'watch' });
      const run = async (): Promise<void> => {
        for await (const _ of it.client.watch(CONFIG_MAPS, QUERY, forever().signal));
      };
      await assert.rejects(run, { reason });
      await waitFor(() => it.api.watches.length === 0 && it.proxy.watches.length === 0);
    });
  }

  test('sends events twice, and leaves out the end of the initial ones', async () => {
    await using it = await start();
    it.api.put(IN_CONFIG_MAPS, configMap('a'));
    const received = async (fault: ProxyFault, count: number): Promise<string[]> => {
      it.proxy.faults.add({ fault });
      const types: string[] = [];
      for await (const { type } of it.client.watch(CONFIG_MAPS, QUERY, forever().signal)) {
        types.push(type);
        if (types.length === 1) it.api.put(IN_CONFIG_MAPS, configMap('b', { v: String(count) }));
        if (types.length === count) break;
      }
      return types;
    };
    assert.deepEqual(await received({ kind: 'twice' }, 5), [
      'ADDED',
      'ADDED',
      'BOOKMARK',
      'BOOKMARK',
      'ADDED',
    ]);
    assert.deepEqual(await received({ kind: 'no-initial-end' }, 3), ['ADDED', 'ADDED', 'MODIFIED']);
  });

  test('loses the answer of a completed write, or cuts a list short', async () => {
    await using it = await start();
    const { api, proxy, client } = it;
    proxy.faults.add({ fault: { kind: 'cut', afterBytes: 0 }, verb: 'create' });
    await assert.rejects(client.create(CONFIG_MAPS, configMap('a'), forever()), { reason: 'Unreachable' });
    assert.ok(api.store.find({ collection: IN_CONFIG_MAPS, namespace: 'default', name: 'a' }));
    proxy.faults.add({ fault: { kind: 'end', afterBytes: 50 }, verb: 'list' });
    await assert.rejects(client.list(CONFIG_MAPS, {}, forever()), { reason: 'BadAnswer' });
  });

  test('refuses connections, and holds lost requests until the network is up', async () => {
    await using it = await start();
    const { api, proxy, client } = it;
    proxy.link.network = 'refused';
    await assert.rejects(client.get(CONFIG_MAPS, key, forever()), { reason: 'Unreachable' });
    assert.deepEqual(proxy.requests(), []);
    proxy.link.network = 'lost';
    const creating = client.create(CONFIG_MAPS, configMap('a'), forever()).catch((error: unknown) => error);
    await waitFor(() => proxy.requests().length === 1);
    client.clock.advance(30_000);
    const error = await creating;
    assert.equal(isKubeError(error) && error.reason, 'Timeout');
    assert.equal(api.requests.length, 0);
    proxy.link.network = 'up';
    await waitFor(() => api.requests.length === 1);
  });
});
