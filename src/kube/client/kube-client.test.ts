import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { CONFIG_MAPS } from '../objects/config-maps.ts';
import {
  clientOf,
  configMap,
  connectionTo,
  DEPLOYMENTS,
  forever,
  IN_CONFIG_MAPS,
  SECRETS,
} from '../../../test/kube/client.ts';
import { startApi, type ApiServer } from '../../../test/kube/api-server.ts';
import { createTestPki } from '../../../test/kit/certificate.ts';
import { assertNoLeaks } from '../../../test/kit/leaks.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import type { ManualClock } from '../../kit/clock.ts';
import { metadataOf } from '../objects/metadata-of.ts';
import type { KubeConnection } from '../connection/connection.ts';
import {
  isConflict,
  isExpired,
  isForbidden,
  isKubeError,
  isNotFound,
  type KubeError,
} from '../kube-error.ts';

const key = { namespace: 'default', name: 'a' };

async function refusal(call: Promise<unknown>): Promise<KubeError> {
  const error: unknown = await call.then(
    () => assert.fail('nothing was refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isKubeError(error), String(error));
  return error;
}

describe('a request', () => {
  test('has the method, path, content type and parameters of its verb', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: key, spec: { replicas: 1 } };
    const made = await client.create(DEPLOYMENTS, deployment, { ...forever(), dryRun: true });
    assert.equal(made.spec?.['replicas'], 1);
    await client.apply(DEPLOYMENTS, deployment, { ...forever(), fieldManager: 'larder/test', force: true });
    await client.replace(DEPLOYMENTS, { ...deployment, status: {} }, { ...forever(), subresource: 'status' });
    await client.patch(DEPLOYMENTS, key, [{ op: 'test', path: '/spec/replicas', value: 1 }], forever());
    await client.mergePatch(
      DEPLOYMENTS,
      key,
      { status: { a: null } },
      { ...forever(), dryRun: true, subresource: 'status' },
    );
    await client.get(DEPLOYMENTS, key, forever());
    await client.list(DEPLOYMENTS, { labelSelector: 'a=b,c in (d)' }, forever());
    await client.delete(DEPLOYMENTS, key, { ...forever(), propagationPolicy: 'Background' });
    const path = '/apis/apps/v1/namespaces/default/deployments';
    assert.deepEqual(
      api.requests.map((seen) => [seen.method, seen.path, seen.query, seen.headers['content-type']]),
      [
        ['POST', path, { dryRun: 'All' }, 'application/json'],
        [
          'PATCH',
          `${path}/a`,
          { fieldManager: 'larder/test', force: 'true' },
          'application/apply-patch+yaml',
        ],
        ['PUT', `${path}/a/status`, {}, 'application/json'],
        ['PATCH', `${path}/a`, {}, 'application/json-patch+json'],
        ['PATCH', `${path}/a/status`, { dryRun: 'All' }, 'application/merge-patch+json'],
        ['GET', `${path}/a`, {}, undefined],
        ['GET', '/apis/apps/v1/deployments', { labelSelector: 'a=b,c in (d)', limit: '500' }, undefined],
        ['DELETE', `${path}/a`, {}, 'application/json'],
      ],
    );
    assert.deepEqual(JSON.parse(api.requests.at(-1)?.body ?? ''), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: {},
      propagationPolicy: 'Background',
    });
    assert.ok(api.requests.every(({ headers }) => headers['user-agent'] === 'larder/test'));
    assert.ok(api.connections.opened <= 2, `${api.connections.opened} connections`);
  });

  test('goes below the path of the server, if that has one', async () => {
    await using api = await startApi();
    await using client = clientOf({ url: `${api.url}/k8s/clusters/c-1` });
    await refusal(client.get(CONFIG_MAPS, key, forever()));
    assert.equal(api.requests[0]?.path, '/k8s/clusters/c-1/api/v1/namespaces/default/configmaps/a');
  });

  test('with a name that leads to another path is refused before it is sent', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    for (const name of ['', '.', '..', 'a/b', 'a%2fb']) {
      const error = await refusal(client.delete(CONFIG_MAPS, { namespace: 'default', name }, forever()));
      assert.equal(error.reason, 'BadRequest');
    }
    await assert.rejects(
      client.get(CONFIG_MAPS, { name: 'a' }, forever()),
      /configmaps a: expected a namespace/,
    );
    await client.get(CONFIG_MAPS, { namespace: 'default', name: 'a?b=c#d e' }, forever()).catch(() => {});
    assert.deepEqual(
      api.requests.map(({ path, query }) => [path, query]),
      [['/api/v1/namespaces/default/configmaps/a%3Fb%3Dc%23d%20e', {}]],
    );
  });
});

describe('metadata-only objects', () => {
  const resource = metadataOf(SECRETS);
  const secret = (name: string) => ({ ...configMap(name, { password: 'x' }), kind: 'Secret' });

  test('are requested without an alternative, and no answer has anything else', async () => {
    await using api = await startApi({ pageSize: 1 });
    await using client = clientOf(api);
    const { metadata } = api.put('v1/secrets', secret('a'));
    api.put('v1/secrets', secret('b'));
    const expected = { apiVersion: 'v1', kind: 'Secret', metadata };
    assert.deepEqual(await client.get(resource, key, forever()), expected);
    const { items } = await client.list(resource, {}, forever());
    assert.deepEqual([items.length, items[0]], [2, expected]);
    const query = { initialEvents: true, timeoutSeconds: 300 };
    for await (const event of client.watch(resource, query, forever().signal)) {
      assert.deepEqual(event, { type: 'ADDED', object: expected });
      break;
    }
    const one = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    const many = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    assert.deepEqual(
      api.requests.map(({ verb, headers }) => [verb, headers.accept]),
      [
        ['get', one],
        ['list', many],
        ['list', many],
        ['watch', one],
      ],
    );
  });

  test('keep only the metadata of a server that sends whole objects', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.faults.add({ fault: { kind: 'text', text: JSON.stringify(secret('a')) } });
    const { apiVersion, kind, metadata } = secret('a');
    assert.deepEqual(await client.get(resource, key, forever()), { apiVersion, kind, metadata });
  });

  test('are never written in place of the object', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    for (const verb of ['create', 'replace'] as const) {
      const { reason, message } = await refusal(client[verb](resource, secret('a'), forever()));
      assert.deepEqual([reason, /expected a whole object/.test(message)], ['BadRequest', true]);
    }
    assert.equal(api.requests.length, 0);
  });
});

describe('an answer', () => {
  test('keeps unknown fields of objects, and items of a list get their missing kind', async () => {
    await using api = await startApi();
    api.put(IN_CONFIG_MAPS, { ...configMap('a'), future: { 'x-y': [1, { z: null }] } });
    await using client = clientOf(api);
    const expected = api.store.list(IN_CONFIG_MAPS, undefined);
    assert.deepEqual([await client.get(CONFIG_MAPS, key, forever())], expected);
    const { items, resourceVersion } = await client.list(CONFIG_MAPS, {}, forever());
    assert.deepEqual(items, expected);
    assert.equal(resourceVersion, String(api.store.version));
  });

  test('is a list in pages of one version', async () => {
    await using api = await startApi({ pageSize: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.put(IN_CONFIG_MAPS, configMap(name));
    await using client = clientOf(api);
    const { items } = await client.list(CONFIG_MAPS, { notOlderThan: '98' }, forever());
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['a', 'b', 'c', 'd', 'e'],
    );
    assert.equal(api.requests.length, 3);
    // The server refuses a page that names a version beside its token.
    assert.deepEqual(
      api.requests.map(({ query }) => query['resourceVersion']),
      ['98', undefined, undefined],
    );
  });

  test('is a list that starts over if pages expire, and the third time asks for everything at once', async () => {
    await using api = await startApi({ pageSize: 1 });
    for (const name of ['a', 'b']) api.put(IN_CONFIG_MAPS, configMap(name));
    await using client = clientOf(api);
    const expire = { kind: 'status', status: 410, reason: 'Expired' } as const;
    api.faults.add({ verb: 'list', fault: expire }, { verb: 'list', fault: expire });
    assert.equal((await client.list(CONFIG_MAPS, {}, forever())).items.length, 2);
    assert.deepEqual(
      api.requests.map(({ query }) => query['limit']),
      ['500', '500', undefined],
    );
    api.faults.add({ verb: 'list', fault: expire, times: 3 });
    assert.ok(isExpired(await refusal(client.list(CONFIG_MAPS, {}, forever()))));
  });

  test('is no list beyond the pages that the client takes', async () => {
    await using api = await startApi({ pageSize: 1 });
    for (const name of ['a', 'b', 'c']) api.put(IN_CONFIG_MAPS, configMap(name));
    await using three = clientOf(api, { limits: { pages: 3 } });
    assert.equal((await three.list(CONFIG_MAPS, {}, forever())).items.length, 3);
    await using two = clientOf(api, { limits: { pages: 2 } });
    const { message } = await refusal(two.list(CONFIG_MAPS, {}, forever()));
    assert.equal(message, 'a list has more than 2 pages');
    assert.equal(api.requests.length, 5);
  });

  test('is not used if it is no object or too large', async () => {
    await using api = await startApi();
    await using client = clientOf(api, { limits: { answerBytes: 100 } });
    for (const text of ['{"half', '[]', '{"metadata":{}}', JSON.stringify(configMap('a'.repeat(100)))]) {
      api.faults.add({ fault: { kind: 'text', text } });
      const error = await refusal(client.get(CONFIG_MAPS, key, forever()));
      assert.deepEqual([error.code, error.reason], ['KUBE_UNREACHABLE', 'BadAnswer']);
      assert.doesNotMatch(error.message, /half|aaa/);
    }
  });
});

describe('a refusal', () => {
  test('is an error with the status, reason, message and causes of the server, and the name of the call', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const missing = await refusal(client.get(CONFIG_MAPS, key, forever()));
    assert.ok(isNotFound(missing) && !isConflict(missing));
    assert.equal(missing.code, 'KUBE_API');
    assert.equal(missing.message, 'get configmaps default/a: v1/configmaps "a" not found (404 NotFound)');
    const apply = (fieldManager: string, data: Record<string, string>) =>
      client.apply(CONFIG_MAPS, configMap('a', data), { ...forever(), fieldManager, force: false });
    await apply('one', { x: '1' });
    const conflict = await refusal(apply('two', { x: '2' }));
    assert.ok(isConflict(conflict));
    assert.deepEqual(conflict.details?.causes?.[0]?.field, 'data.x');
    api.faults.add({ fault: { kind: 'status', status: 403, reason: 'Forbidden' } });
    assert.ok(isForbidden(await refusal(client.get(CONFIG_MAPS, key, forever()))));
    assert.equal(
      await client.metric('larder_kube_requests_total', { code: '403', verb: 'get', resource: 'configmaps' }),
      1,
    );
  });

  test('of a deletion: a missing object counts as deleted, and a failed precondition is a conflict', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    await client.delete(CONFIG_MAPS, key, forever());
    const { uid, resourceVersion } = api.put(IN_CONFIG_MAPS, configMap('a')).metadata;
    for (const wrong of [{ uid: 'other' }, { uid, resourceVersion: '1' }])
      assert.ok(isConflict(await refusal(client.delete(CONFIG_MAPS, key, { ...forever(), ...wrong }))));
    await client.delete(CONFIG_MAPS, key, { ...forever(), uid, resourceVersion });
    assert.equal(api.store.find({ collection: IN_CONFIG_MAPS, ...key }), undefined);
  });

  test('of a Secret does not repeat the server’s message, which may quote it', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const status = { kind: 'status', status: 403, reason: 'Forbidden', message: 'denied: hunter2' } as const;
    api.faults.add({ fault: status }, { fault: status });
    const written = await refusal(client.create(SECRETS, configMap('a', { p: 'hunter2' }), forever()));
    assert.equal(written.message, 'create secrets default/a: refused by the API server (403 Forbidden)');
    assert.match((await refusal(client.get(SECRETS, key, forever()))).message, /denied/);
  });
});

describe('a retry', () => {
  for (const status of [429, 503]) {
    test(`after ${status} with Retry-After waits for that time, three times at most`, async () => {
      await using api = await startApi();
      await using client = clientOf(api);
      api.put(IN_CONFIG_MAPS, configMap('a'));
      const busy = { kind: 'status', status, retryAfter: 2 } as const;
      api.faults.add({ fault: busy, times: 3 });
      const answer = client.get(CONFIG_MAPS, key, forever());
      assert.ok((await pausesUntil(client.clock, api, 4)).every((ms) => ms >= 2000));
      assert.equal((await answer).metadata.name, 'a');

      api.faults.add({ fault: busy, times: 4 });
      const error = refusal(client.get(CONFIG_MAPS, key, forever()));
      await pausesUntil(client.clock, api, 8);
      assert.equal((await error).retryAfterSeconds, 2);
      assert.equal(api.requests.length, 8);
    });
  }

  test('calls beforeWrite each time that a write is sent, and never for a read', async () => {
    await using api = await startApi();
    let asked = 0;
    let isLeft = true;
    const beforeWrite = (): void => {
      asked += 1;
      if (!isLeft) throw new Error('not any more');
    };
    await using client = clientOf(api, { beforeWrite });
    await client.create(CONFIG_MAPS, configMap('a'), forever());
    await client.get(CONFIG_MAPS, key, forever());
    await client.list(CONFIG_MAPS, {}, forever());
    assert.equal(asked, 1);
    api.faults.add({ fault: { kind: 'status', status: 429, retryAfter: 2 }, verb: 'delete' });
    let isOver = false;
    const refused = assert
      .rejects(client.delete(CONFIG_MAPS, key, forever()), /not any more/)
      .finally(() => (isOver = true));
    await waitFor(() => api.requestsOf('delete').length === 1);
    isLeft = false;
    // The request has a timer of its own until its answer is here, so that timers do not show when the pause begins.
    await waitFor(() => isOver || client.clock.advance(100), { what: 'the second attempt' });
    await refused;
    assert.deepEqual([asked, api.requestsOf('delete').length], [3, 1]);
  });

  test('is not made without Retry-After, with a long one, and after other errors', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    const faults = [{ status: 429 }, { status: 503, retryAfter: 60 }, { status: 500, retryAfter: 1 }];
    for (const fault of faults) {
      api.faults.add({ fault: { kind: 'status', ...fault } });
      assert.equal((await refusal(client.get(CONFIG_MAPS, key, forever()))).httpStatus, fault.status);
    }
    assert.equal(api.requests.length, 3);
  });

  test('after a refused token reads the token again, once', async () => {
    await using api = await startApi({ tokens: new Set(['new']) });
    api.put(IN_CONFIG_MAPS, configMap('a'));
    const rotating = rotatingConnection(api.url, ['old', 'new']);
    await using client = clientOf(api, { connection: rotating });
    assert.equal((await client.get(CONFIG_MAPS, key, forever())).metadata.name, 'a');
    assert.deepEqual(
      api.requests.map(({ headers }) => headers.authorization),
      ['Bearer old', 'Bearer new'],
    );
    await using unknown = clientOf(api, { connection: rotatingConnection(api.url, ['1', '2', '3']) });
    assert.equal((await refusal(unknown.get(CONFIG_MAPS, key, forever()))).httpStatus, 401);
    assert.equal(api.requests.length, 4);
  });

  test('keeps to the rate and its burst', async () => {
    await using api = await startApi();
    api.put(IN_CONFIG_MAPS, configMap('a'));
    await using client = clientOf(api, { limits: { rate: { perSecond: 10, burst: 3 } } });
    const calls = Promise.all(Array.from({ length: 5 }, () => client.get(CONFIG_MAPS, key, forever())));
    await waitFor(() => api.requests.length === 3);
    // Two calls wait, with a limit each.
    await waitFor(() => client.clock.pending === 4);
    client.clock.advance(100);
    await waitFor(() => api.requests.length === 4);
    client.clock.advance(100);
    await calls;
    assert.equal(api.requests.length, 5);
  });
});

describe('a call', () => {
  test('ends after 30 s, or with its signal, and leaves nothing behind', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    await assertNoLeaks(async () => {
      await using other = clientOf(api, { clock: client.clock });
      api.faults.add({ fault: { kind: 'hang' }, times: 2 });
      const late = refusal(other.get(CONFIG_MAPS, key, forever()));
      await waitFor(() => api.requests.length === 1);
      client.clock.advance(30_000);
      assert.deepEqual([(await late).code, (await late).reason], ['KUBE_UNREACHABLE', 'Timeout']);
      const controller = new AbortController();
      const aborted = assert.rejects(other.get(CONFIG_MAPS, key, controller), /enough/);
      await waitFor(() => api.requests.length === 2);
      controller.abort(new Error('enough'));
      await aborted;
      assert.equal(client.clock.pending, 0);
    });
    await waitFor(() => api.connections.open === 0);
  });

  test('to a server that is down, or resets, is unreachable', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.faults.add({ fault: { kind: 'reset' } });
    assert.equal((await refusal(client.get(CONFIG_MAPS, key, forever()))).reason, 'Unreachable');
    await using unreachable = clientOf({ url: 'http://127.0.0.1:1' });
    const error = await refusal(unreachable.get(CONFIG_MAPS, key, forever()));
    assert.match(error.message, /^get configmaps default\/a: .*ECONNREFUSED/);
  });

  test('to a server that accepts no connection within 10 s is unreachable', async () => {
    await using silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await using client = clientOf({ url: `https://127.0.0.1:${port}` });
    const refused = refusal(client.get(CONFIG_MAPS, key, forever()));
    const [socket] = (await once(silent, 'connection')) as [Socket];
    client.clock.advance(9_999);
    assert.equal(socket.destroyed, false);
    client.clock.advance(1);
    assert.match((await refused).message, /no connection within 10000 ms/);
    assert.equal(client.clock.pending, 0);
    socket.destroy();
  });

  test('a closed client ends its calls and accepts no others', async () => {
    await using api = await startApi();
    await using client = clientOf(api);
    api.faults.add({ fault: { kind: 'hang' } });
    const running = refusal(client.get(CONFIG_MAPS, key, forever()));
    await waitFor(() => api.requests.length === 1);
    await client.close();
    assert.equal((await running).reason, 'Unreachable');
    assert.equal((await refusal(client.get(CONFIG_MAPS, key, forever()))).reason, 'Unreachable');
    assert.equal(api.requests.length, 1);
  });
});

test('TLS trusts the authority it was given, shows its certificate, and follows both when they change', async () => {
  const pki = createTestPki();
  await using api = await startApi({ tls: pki.server() });
  api.put(IN_CONFIG_MAPS, configMap('a'));
  let ca = createTestPki().caPem;
  const identity = pki.server();
  const base = connectionTo(api);
  const connection: KubeConnection = {
    ...base,
    access: async () => ({
      tls: { ca, ...identity, serverName: undefined, verify: true },
      authorization: undefined,
    }),
  };
  await using client = clientOf(api, { connection });
  const error = await refusal(client.get(CONFIG_MAPS, key, forever()));
  assert.match(error.message, /certificate/);
  ca = pki.caPem;
  assert.equal((await client.get(CONFIG_MAPS, key, forever())).metadata.name, 'a');
  assert.equal(api.requests[0]?.clientName, 'localhost');
});

function rotatingConnection(url: string, tokens: readonly string[]): KubeConnection {
  let at = 0;
  return {
    ...connectionTo({ url }),
    access: async (signal) => connectionTo({ url, token: tokens[at] ?? '' }).access(signal),
    refresh: () => (at += 1),
  };
}

/** Lets time pass until this many requests have come. Returns the milliseconds from each new request to the next. */
async function pausesUntil(clock: ManualClock, api: ApiServer, count: number): Promise<number[]> {
  const arrivals: number[] = [];
  const before = api.requests.length;
  await waitFor(
    () => {
      while (arrivals.length < api.requests.length - before) arrivals.push(clock.now());
      if (api.requests.length === count) return true;
      clock.advance(100);
      return false;
    },
    { what: `${count} requests` },
  );
  return arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? 0));
}
