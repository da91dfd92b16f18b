import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startApi, type ApiServer } from '../../../test/kube/api-server.ts';
import type { Fault } from '../../../test/kube/api-faults.ts';
import { CONFIG_MAPS, type ConfigMap } from '../objects/config-maps.ts';
import { clientOf, configMap, IN_CONFIG_MAPS, type TestClient } from '../../../test/kube/client.ts';
import { assertNoLeaks } from '../../../test/kit/leaks.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import type { WatchEvent, WatchQuery } from '../types.ts';

const QUERY: WatchQuery = { timeoutSeconds: 300, resourceVersion: '95' };

interface Watching {
  readonly events: string[];
  /** Rejects with the error of the watch. */
  readonly ended: Promise<void>;
}

function watch(
  client: TestClient,
  query: Partial<WatchQuery> = {},
  signal = new AbortController().signal,
): Watching {
  const events: string[] = [];
  const run = async (): Promise<void> => {
    for await (const event of client.watch(CONFIG_MAPS, { ...QUERY, ...query }, signal))
      events.push(textOf(event));
  };
  const ended = run();
  ended.catch(() => {});
  return { events, ended };
}

function textOf(event: WatchEvent<ConfigMap>): string {
  if (event.type === 'BOOKMARK')
    return `BOOKMARK ${event.resourceVersion}${event.initialEventsEnd ? ' end' : ''}`;
  return `${event.type} ${event.object.metadata.name} ${event.object.data?.['v'] ?? ''}`.trim();
}

/** Three changes of one object. */
function change(api: ApiServer): void {
  api.put(IN_CONFIG_MAPS, configMap('a', { v: '1' }));
  api.put(IN_CONFIG_MAPS, configMap('a', { v: '2' }));
  api.remove(IN_CONFIG_MAPS, 'a', 'default');
}

describe('events', () => {
  test('come in order, earlier ones and new ones, with bookmarks among them', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.put(IN_CONFIG_MAPS, configMap('old'));
    const { events } = watch(client);
    await waitFor(() => events.length === 1);
    change(api);
    api.bookmark();
    await waitFor(() => events.length === 5);
    assert.deepEqual(events, ['ADDED old', 'ADDED a 1', 'MODIFIED a 2', 'DELETED a 2', 'BOOKMARK 99']);
    const { timeoutSeconds, allowWatchBookmarks, resourceVersion } = api.requests[0]?.query ?? {};
    assert.deepEqual([timeoutSeconds, allowWatchBookmarks, resourceVersion], ['300', 'true', '95']);
  });

  test('of a streaming list begin with the initial state and mark its end', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.put(IN_CONFIG_MAPS, configMap('a'));
    const { events } = watch(client, { initialEvents: true, resourceVersion: undefined });
    await waitFor(() => events.length === 2);
    api.put(IN_CONFIG_MAPS, configMap('b'));
    await waitFor(() => events.length === 3);
    assert.deepEqual(events, ['ADDED a', 'BOOKMARK 96 end', 'ADDED b']);
    const { sendInitialEvents, resourceVersionMatch } = api.requests[0]?.query ?? {};
    assert.deepEqual([sendInitialEvents, resourceVersionMatch], ['true', 'NotOlderThan']);
  });

  test('of a watch never delay a call', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    for (let count = 0; count < 20; count += 1) watch(client);
    await waitFor(() => api.watches.length === 20);
    const { signal } = new AbortController();
    assert.deepEqual((await client.list(CONFIG_MAPS, {}, { signal })).items, []);
  });
});

describe('an end', () => {
  test('by the server ends the iteration', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const { ended } = watch(client);
    await waitFor(() => api.watches.length === 1);
    api.watches[0]?.end();
    await ended;
    assert.equal(client.clock.pending, 0);
  });

  const faults: readonly (readonly [string, Fault, string])[] = [
    ['by a cut in the middle of a line', { kind: 'cut', afterBytes: 30 }, 'Unreachable'],
    ['by a cut before the first byte', { kind: 'cut', afterBytes: 0 }, 'Unreachable'],
    ['within a line', { kind: 'end', afterBytes: 30 }, 'BadAnswer'],
    ['by a line that is half of one', { kind: 'half-line' }, 'BadAnswer'],
    ['by 410 as an event', { kind: 'expired-event' }, 'Expired'],
    ['by 410 as a status', { kind: 'status', status: 410, reason: 'Expired' }, 'Expired'],
    ['by a reset', { kind: 'reset' }, 'Unreachable'],
  ];
  for (const [how, fault, reason] of faults) {
    test(`${how} is an error with the reason ${reason}, and leaves no connection and no timer`, async () => {
      await using api = await startApi();
      await using client = clientOf(api);
      api.put(IN_CONFIG_MAPS, configMap('a'));
      api.faults.add({ fault, verb: 'watch' });
      await assert.rejects(watch(client).ended, { name: 'KubeError', reason });
      assert.equal(client.clock.pending, 0);
      await waitFor(() => api.watches.length === 0);
    });
  }

  test('by the signal, or by leaving the loop, closes the connection', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    await assertNoLeaks(async () => {
      await using other = clientOf(api, { clock: client.clock });
      const controller = new AbortController();
      const { ended } = watch(other, {}, controller.signal);
      await waitFor(() => api.watches.length === 1);
      controller.abort(new Error('enough'));
      await assert.rejects(ended, /enough/);
      api.put(IN_CONFIG_MAPS, configMap('a'));
      for await (const _ of other.watch(CONFIG_MAPS, QUERY, new AbortController().signal)) break;
      await waitFor(() => api.watches.length === 0);
    });
    assert.equal(client.clock.pending, 0);
  });
});

describe('silence', () => {
  test('of 180 s ends a watch, and every byte starts the time again', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const { events, ended } = watch(client);
    await waitFor(() => api.watches.length === 1 && client.clock.pending === 2);
    client.clock.advance(179_000);
    api.bookmark();
    await waitFor(() => events.length === 1 && client.clock.pending === 2);
    // The event has moved the end to 359 s; the server was to end the watch at 300 s.
    client.clock.advance(150_999);
    assert.equal(client.clock.pending, 2);
    client.clock.advance(1);
    await assert.rejects(ended, { reason: 'Overdue', code: 'KUBE_UNREACHABLE' });
  });

  for (const afterBytes of [0, 30]) {
    test(`after ${afterBytes} bytes is found`, async () => {
      await using api = await startApi();
      await using client = clientOf(api);
      api.put(IN_CONFIG_MAPS, configMap('a'));
      api.faults.add({ fault: { kind: 'stall', afterBytes } });
      const { ended } = watch(client);
      await waitFor(() => api.requests.length === 1 && client.clock.pending === 2);
      client.clock.advance(180_000);
      await assert.rejects(ended, { reason: 'Silent' });
      assert.equal(client.clock.pending, 0);
    });
  }

  test('instead of an answer ends after 30 s', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.faults.add({ fault: { kind: 'hang' } });
    const { ended } = watch(client);
    await waitFor(() => api.requests.length === 1);
    client.clock.advance(30_000);
    await assert.rejects(ended, { reason: 'Timeout' });
  });
});

test('an event longer than any object is refused', async () => {
  await using api = await startApi();
  await using client = clientOf(api, { limits: { lineBytes: 1000 } });
  api.put(IN_CONFIG_MAPS, configMap('a', { v: 'x'.repeat(1000) }));
  await assert.rejects(watch(client).ended, { reason: 'BadAnswer' });
});
