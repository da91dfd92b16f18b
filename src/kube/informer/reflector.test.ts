import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fault } from '../../../test/kube/api-faults.ts';
import { startApi, type ApiServer } from '../../../test/kube/api-server.ts';
import { configMap, IN_CONFIG_MAPS } from '../../../test/kube/client.ts';
import { startReflecting, type Reflecting } from '../../../test/kube/reflecting.ts';
import { waitFor } from '../../../test/kit/wait.ts';

const put = (api: ApiServer, name: string, v = '') => api.put(IN_CONFIG_MAPS, configMap(name, { v }));

/** Requests of lists and watches: `list`, `stream` or `watch`, with the version. */
function asked(api: ApiServer): string[] {
  return api.requests.map(({ verb, query }) => {
    const kind = query['sendInitialEvents'] === 'true' ? 'stream' : verb;
    return [kind, query['resourceVersion']].filter((part) => part !== undefined).join(' ');
  });
}

/** Waits for a new watch after a pause. */
async function resume(api: ApiServer, it: Reflecting): Promise<void> {
  await it.paused();
  it.client.clock.advance(30_000);
  await it.current();
  assert.equal(api.faults.left, 0);
}

describe('the first list', () => {
  test('is a stream, and the watch goes on in the same connection', async () => {
    await using api = await startApi();
    put(api, 'a');
    await using it = startReflecting(api);
    await it.current();
    put(api, 'b');
    await it.current();
    assert.deepEqual(asked(api), ['stream']);
    assert.deepEqual(it.changes, ['- > a@96', '- > b@97']);
    assert.equal(await it.client.metric('larder_kube_relists_total', { resource: 'configmaps' }), 1);
    assert.equal(await it.client.metric('larder_kube_objects', { resource: 'configmaps' }), 2);
    const seconds = it.client.clock.now() / 1000;
    assert.equal(await it.client.metric('larder_kube_last_event_timestamp_seconds'), seconds);
  });

  for (const status of [400, 422]) {
    test(`comes in pages where the server answers ${status} to a stream, which is not tried again`, async () => {
      await using api = await startApi();
      put(api, 'a');
      api.faults.add({ verb: 'watch', fault: { kind: 'status', status } });
      await using it = startReflecting(api);
      await it.current();
      assert.deepEqual(asked(api), ['stream', 'list', 'watch 96']);
      api.faults.add({ verb: 'watch', fault: { kind: 'expired-event' } });
      api.watches[0]?.cut();
      await it.paused();
      it.client.clock.advance(30_000);
      await resume(api, it);
      assert.deepEqual(asked(api).slice(3), ['watch 96', 'list 96', 'watch 96']);
      assert.equal(await it.client.metric('larder_kube_watch_failures_total', { reason: 'Injected' }), 0);
    });
  }

  test('comes in pages if the server never ends the initial state', async () => {
    await using api = await startApi();
    put(api, 'a');
    api.faults.add({ verb: 'watch', fault: { kind: 'no-initial-end' } });
    await using it = startReflecting(api);
    await waitFor(() => api.watches.length === 1);
    assert.equal(it.store.hasSynced(), false);
    api.watches[0]?.end();
    await it.current();
    assert.deepEqual(asked(api), ['stream', 'list', 'watch 96']);
  });

  test('has only the selected objects, and an object that leaves the selection is deleted', async () => {
    await using api = await startApi();
    const labelled = (name: string, label: string) => {
      const { metadata, ...rest } = configMap(name);
      api.put(IN_CONFIG_MAPS, { ...rest, metadata: { ...metadata, labels: { label } } });
    };
    labelled('a', 'yes');
    labelled('b', 'no');
    await using it = startReflecting(api, { query: { labelSelector: 'label=yes' } });
    await waitFor(() => it.store.size === 1);
    labelled('b', 'yes');
    labelled('a', 'no');
    await waitFor(() => it.changes.length === 3);
    assert.deepEqual(it.changes, ['- > a@96', '- > b@98', 'a@96 > -']);
  });
});

describe('after a break a reflector continues from the last version', () => {
  const breaks: readonly (readonly [string, Fault])[] = [
    ['refused connections', { kind: 'reset' }],
    ['429', { kind: 'status', status: 429 }],
    ['500', { kind: 'status', status: 500 }],
    ['403', { kind: 'status', status: 403 }],
    ['a cut in the middle of a line', { kind: 'cut', afterBytes: 40 }],
    ['an end in the middle of a line', { kind: 'end', afterBytes: 40 }],
    ['half a line of JSON', { kind: 'half-line' }],
    ['a watch that ends at once', { kind: 'end', afterBytes: 0 }],
  ];
  for (const [what, fault] of breaks) {
    test(`${what}, without another list`, async () => {
      await using api = await startApi();
      put(api, 'a');
      await using it = startReflecting(api);
      await it.current();
      api.faults.add({ verb: 'watch', fault, times: 1 });
      api.watches[0]?.cut();
      await it.paused();
      put(api, 'b');
      it.client.clock.advance(30_000);
      await resume(api, it);
      assert.deepEqual(asked(api), ['stream', 'watch 96', 'watch 96']);
      assert.equal(it.reflector.problem(), undefined);
      assert.deepEqual(it.breaches, []);
    });
  }

  test('a regular end is followed at once by a watch from the last bookmark', async () => {
    await using api = await startApi();
    await using it = startReflecting(api);
    await it.current();
    api.store.tick();
    api.bookmark();
    await waitFor(() => it.store.version === '96');
    it.client.clock.advance(1000);
    api.watches[0]?.end();
    await waitFor(() => api.requests.length === 2);
    assert.deepEqual(asked(api), ['stream', 'watch 96']);
    assert.equal(it.reflector.problem(), undefined);
  });

  test('silence', async () => {
    await using api = await startApi();
    api.faults.add({ verb: 'watch', fault: { kind: 'stall', afterBytes: 400 } });
    await using it = startReflecting(api);
    await waitFor(() => it.store.hasSynced());
    put(api, 'a');
    await waitFor(() => it.client.clock.pending === 2);
    it.client.clock.advance(180_000);
    await resume(api, it);
    assert.equal(await it.client.metric('larder_kube_watch_failures_total', { reason: 'Silent' }), 1);
    assert.deepEqual(asked(api).at(-1)?.split(' ')[0], 'watch');
  });

  test('events that come twice, or again after a reconnect, or in the wrong order there, are reported once', async () => {
    await using api = await startApi();
    api.faults.add({ verb: 'watch', fault: { kind: 'twice' } });
    await using it = startReflecting(api);
    await it.current();
    put(api, 'a', '1');
    put(api, 'a', '2');
    api.remove(IN_CONFIG_MAPS, 'a', 'default');
    put(api, 'b');
    await it.current();
    api.faults.add({ verb: 'watch', fault: { kind: 'replay', count: 4, isJumbled: true } });
    api.watches[0]?.cut();
    await resume(api, it);
    put(api, 'c');
    await it.current();
    assert.deepEqual(it.changes, ['- > a@96', 'a@96 > a@97', 'a@97 > -', '- > b@99', '- > c@100']);
  });
});

describe('a version that the server has forgotten', () => {
  for (const fault of [
    { kind: 'expired-event' },
    { kind: 'status', status: 410, reason: 'Expired' },
  ] as const) {
    test(`(${fault.kind}) takes a new list, not older than the store, and reports deletions`, async () => {
      await using api = await startApi();
      put(api, 'a');
      put(api, 'b');
      await using it = startReflecting(api);
      await it.current();
      api.faults.add({ verb: 'watch', fault });
      api.watches[0]?.cut();
      await it.paused();
      api.remove(IN_CONFIG_MAPS, 'a', 'default');
      put(api, 'b', '2');
      it.client.clock.advance(30_000);
      await resume(api, it);
      assert.deepEqual(asked(api), ['stream', 'watch 97', 'stream 97']);
      assert.deepEqual(it.changes.toSorted(), ['- > a@96', '- > b@97', 'a@96 > -', 'b@97 > b@99']);
      assert.equal(await it.client.metric('larder_kube_relists_total'), 2);
    });
  }

  test('or fails at three times, takes a new list too', async () => {
    await using api = await startApi();
    put(api, 'a');
    await using it = startReflecting(api);
    await it.current();
    api.faults.add({ verb: 'watch', fault: { kind: 'status', status: 500 }, times: 3 });
    api.watches[0]?.cut();
    for (let pause = 0; pause < 4; pause += 1) {
      await it.paused();
      it.client.clock.advance(30_000);
    }
    await it.current();
    assert.deepEqual(asked(api), ['stream', 'watch 96', 'watch 96', 'watch 96', 'stream 96']);
    assert.deepEqual(it.changes, ['- > a@96']);
  });

  test('and that is ahead of the server takes the list that the server has', async () => {
    await using api = await startApi({ streamingLists: false });
    await using it = startReflecting(api);
    await it.current();
    api.faults.add(
      { verb: 'watch', fault: { kind: 'expired-event' } },
      { verb: 'list', fault: { kind: 'status', status: 410 }, times: 3 },
    );
    api.watches[0]?.cut();
    for (let pause = 0; pause < 3; pause += 1) {
      await it.paused();
      it.client.clock.advance(30_000);
    }
    await it.current();
    const lists = asked(api).filter((one) => one.startsWith('list'));
    assert.deepEqual(lists, ['list', 'list 95', 'list 95', 'list 95', 'list']);
  });

  test('data restored from a backup are accepted although their versions are older', async () => {
    await using before = await startApi();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(before, name);
    await using it = startReflecting(before);
    await it.current();
    // As after a restore of etcd: the same server, with the counter of versions set back.
    before.faults.add({ verb: 'watch', fault: { kind: 'expired-event' } });
    for (const name of ['b', 'c', 'd', 'e', 'f']) before.remove(IN_CONFIG_MAPS, name, 'default');
    before.store.restore(97);
    before.watches[0]?.cut();
    for (let pause = 0; pause < 3; pause += 1) {
      await it.paused();
      it.client.clock.advance(30_000);
    }
    await it.current();
    assert.equal(it.store.version, '97');
    assert.deepEqual(asked(before).slice(1), ['watch 101', 'stream 101', 'stream']);
  });
});

describe('a reflector never gives up', () => {
  test('pauses grow to 30 s, and start from the beginning after a watch that lived as long', async () => {
    await using api = await startApi();
    await using it = startReflecting(api, { random: () => 1 });
    await it.current();
    api.faults.add({ verb: 'watch', fault: { kind: 'reset' }, times: 7 });
    api.watches[0]?.cut();
    for (const ms of [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]) {
      await it.paused();
      const count = api.requests.length;
      it.client.clock.advance(ms - 1);
      assert.equal(it.client.clock.pending, 1, `${ms} ms`);
      it.client.clock.advance(1);
      await waitFor(() => api.requests.length === count + 1);
    }
    await waitFor(() => api.watches.length === 1 && it.client.clock.pending === 2);
    it.client.clock.advance(30_000);
    api.watches[0]?.cut();
    await it.paused();
    it.client.clock.advance(800);
    await waitFor(() => api.watches.length === 1);
  });

  test('Retry-After is obeyed', async () => {
    await using api = await startApi();
    await using it = startReflecting(api);
    await it.current();
    api.faults.add({ verb: 'watch', fault: { kind: 'status', status: 429, retryAfter: 120 } });
    api.watches[0]?.cut();
    await it.paused();
    it.client.clock.advance(30_000);
    await it.paused();
    await waitFor(() => api.requests.length === 2);
    it.client.clock.advance(119_999);
    assert.equal(api.requests.length, 2);
    it.client.clock.advance(1);
    await it.current();
  });

  test('a server that comes back is found', async () => {
    await using api = await startApi({ tokens: new Set(['another token']) });
    await using it = startReflecting(api);
    for (let tries = 0; tries < 20; tries += 1) {
      await it.paused();
      it.client.clock.advance(30_000);
      await waitFor(() => api.requests.length >= 2 * (tries + 2));
    }
    assert.equal((it.reflector.problem() as { httpStatus?: number }).httpStatus, 401);
  });
});
