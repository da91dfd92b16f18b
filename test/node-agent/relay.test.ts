import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import {
  assertNoLeaks,
  get,
  imageOf,
  logIn,
  startLarder,
  startUpstream,
  createTestPki,
  tlsFlags,
  waitFor,
} from '../kit/index.ts';
import { freePort } from '../parts/free-port.ts';
import { cacheEntry, machine, NAME, startAgent, startPair, type Pair } from './setting.ts';

const MiB = 1 << 20;
const image = imageOf({ layers: [16 * MiB, 3] });
const [layer, small] = image.layers as [(typeof image.layers)[number], (typeof image.layers)[number]];
const blobPath = (digest: string): string => `/v2/app/blobs/${digest}`;

describe('the relay', () => {
  test('passes a request on unchanged, and the answer back, to the byte', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    const headers = {
      authorization: 'Bearer t0ken',
      accept: 'a/b, */*',
      range: 'bytes=5-1000004',
      te: 'trailers',
    };
    const path = `${blobPath(layer.digest)}?x=%2F`;
    const {
      status,
      headers: answered,
      matches,
      bytes,
    } = await pair.get(path, {
      headers,
      body: { expect: layer, from: 5 },
    });
    assert.deepEqual([status, bytes, matches], [206, 1_000_000, true]);
    const direct = await get(`${pair.cache.url}${path}`, { headers, ca: pair.cache.caPem });
    for (const name of ['content-type', 'content-length', 'content-range', 'docker-content-digest', 'etag'])
      assert.equal(answered[name], direct.headers[name], name);
    const seen = pair.cache.requests.find(({ kind }) => kind === 'blob')!;
    assert.equal(seen.query.get('x'), '/');
    assert.equal(seen.query.get('ns'), NAME);
    assert.deepEqual(
      [seen.headers.authorization, seen.headers.accept, seen.headers.range, seen.headers.te],
      [headers.authorization, headers.accept, headers.range, undefined],
    );
    assert.equal(`https://${seen.headers.host}`, pair.agent.relay.url);
  });

  test('passes on large and small bodies, heads and errors, many at a time, over few connections', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    const agent = new Agent({ keepAlive: true });
    for (const blob of [layer, small, layer, small]) {
      const found = await pair.get(blobPath(blob.digest), { agent, body: { expect: blob } });
      assert.deepEqual([found.status, found.complete, found.matches], [200, true, true]);
      const { headers, bytes } = await pair.head(blobPath(blob.digest), { agent });
      assert.deepEqual([headers['content-length'], bytes], [String(blob.size), 0]);
      assert.equal((await pair.get('/v2/app/manifests/nope', { agent })).status, 404);
    }
    assertReused(pair);
    const all = await Promise.all(
      Array.from({ length: 12 }, () => pair.get(blobPath(layer.digest), { agent, body: { expect: layer } })),
    );
    assert.ok(all.every(({ complete, matches }) => complete && matches === true));
    agent.destroy();
  });

  test('reaches a cache without TLS as well', async () => {
    await using pair = await startPair({ tls: false });
    pair.cache.push('app', image, 'v1');
    for (const blob of [layer, small, layer]) {
      const found = await pair.get(blobPath(blob.digest), { body: { expect: blob } });
      assert.deepEqual([found.status, found.complete, found.matches], [200, true, true]);
    }
    assertReused(pair);
    await pair.cache.refuse();
    assert.equal((await pair.get('/v2/app/manifests/v1')).status, 503);
  });

  test('passes on a body of unknown length, and uses its connection again', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    pair.cache.faults.add({ match: { kind: 'blob' }, chunked: true });
    for (const blob of [layer, small, layer]) {
      const found = await pair.get(blobPath(blob.digest), { body: { expect: blob } });
      assert.deepEqual([found.status, found.complete, found.matches], [200, true, true]);
      assert.deepEqual(
        [found.headers['transfer-encoding'], found.headers['content-length']],
        ['chunked', undefined],
      );
    }
    assertReused(pair);
    // An answer of HTTP/1.0 ends with the connection, and has nothing between its bytes.
    const { text } = await rawGet(pair, blobPath(small.digest), '1.0');
    assert.equal(text.length - (text.indexOf('\r\n\r\n') + 4), small.size);
    pair.cache.faults.add({ match: { kind: 'blob' }, cutAfter: 10 * MiB });
    const cut = await pair.get(blobPath(layer.digest), { body: { expect: layer } });
    assert.deepEqual([cut.complete, cut.matches], [false, true]);
  });

  test('answers 404 for an upstream without a cache, or without an upstream, and asks no cache', async () => {
    await using pair = await startPair();
    pair.cache.reset();
    const { url: relay, ca } = pair.agent.relay;
    for (const url of [pair.url('/v2/app/manifests/v1', 'other.example'), `${relay}/v2/`]) {
      const answer = await get(url, { ca });
      assert.equal(answer.status, 404);
      assert.match(answer.text(), /NAME_UNKNOWN/);
    }
    const health = await get(`${relay}/healthz`, { ca });
    assert.deepEqual([health.status, health.text()], [200, 'ok\n']);
    assert.equal(pair.cache.count({ kind: 'manifest' }) + pair.cache.count({ kind: 'ping' }), 0);
  });

  test('reads from the cache no faster than the client takes', async () => {
    await using pair = await startPair();
    const big = imageOf({ layers: [256 * MiB] });
    pair.cache.push('app', big, 'v1');
    const digest = big.layers[0]!.digest;
    await pair.get(blobPath(digest), {
      body: 'hash',
      slowBytesPerSecond: 2 * MiB,
      abortAfterBytes: MiB,
    });
    // Socket buffers of the kernel on both sides of the relay, and the relay's own.
    assert.ok(pair.cache.bodyBytes({ digest }) < 40 * MiB, `${pair.cache.bodyBytes({ digest })} bytes sent`);
    await waitFor(() => pair.cache.requests.some(({ ending }) => ending === 'aborted'));
  });

  for (const cutBy of ['fin', 'rst'] as const) {
    test(`ends an answer that breaks off by ${cutBy} in order, with the bytes that came`, async () => {
      await using pair = await startPair();
      pair.cache.push('app', image, 'v1');
      pair.cache.faults.add({ match: { kind: 'blob' }, cutAfter: 10 * MiB, cutBy });
      const { bytes, ended } = await rawGet(pair, blobPath(layer.digest));
      assert.equal(ended, 'fin');
      assert.ok(bytes > 0 && bytes <= 10 * MiB + 2000, `${bytes} bytes`);
    });
  }

  test('ends an answer in order, with the bytes that came, when the cache hangs in the middle of it', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    const pause = pair.cache.faults.add({ match: { kind: 'blob' }, pauseAfter: 10 * MiB });
    const answer = rawGet(pair, blobPath(layer.digest));
    await pause.reached();
    pair.cache.faults.add({ hold: true });
    const begin = performance.now();
    const { bytes, ended } = await answer;
    assert.equal(ended, 'fin');
    assert.ok(bytes >= 10 * MiB, `${bytes} bytes`);
    const ms = performance.now() - begin;
    assert.ok(ms < machine.limit(4000), `${ms} ms`);
  });

  test('waits for the rest of an answer as long as the cache answers others', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    const pause = pair.cache.faults.add({ match: { kind: 'blob' }, pauseAfter: 10 * MiB });
    const answer = pair.get(blobPath(layer.digest), { body: { expect: layer } });
    await pause.reached();
    const probes = pair.cache.count({ kind: 'other' });
    await waitFor(() => pair.cache.count({ kind: 'other' }) >= probes + 3, { what: 'three more probes' });
    pause.release();
    const { complete, matches } = await answer;
    assert.deepEqual([complete, matches], [true, true]);
  });

  test('repeats a request whose connection the cache had closed meanwhile', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    for (const _ of [1, 2, 3]) {
      assert.equal((await pair.get(blobPath(small.digest))).status, 200);
      pair.cache.hangUp();
    }
  });

  test('leaves nothing behind', async () => {
    await assertNoLeaks(async () => {
      await using pair = await startPair();
      pair.cache.push('app', image, 'v1');
      await pair.get(blobPath(small.digest));
      await pair.agent.stop();
      await assert.rejects(pair.get(blobPath(small.digest)), /ECONNREFUSED/);
    });
  });
});

describe('a login at the cache', () => {
  test('goes by the relay, form and all: realm Cache of a larder behind it', async () => {
    const pki = createTestPki();
    await using upstream = await startUpstream({ auth: 'basic', users: { alice: 'secret-of-alice' } });
    upstream.push('team/app', image, 'v1');
    upstream.setAccess('team/app', { readers: ['alice'] });
    const port = await freePort();
    await using agent = await startAgent({ revision: '1' }, port);
    await using larder = await startLarder({
      config: {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [{ upstream: NAME, remoteURL: upstream.url, authentication: { realm: 'Cache' } }],
      },
      flags: [...tlsFlags(agent.files, pki.server()), '--external-url', agent.agent.relay.url],
    });
    agent.writeDocument({ revision: '2', ca: pki.caPem, caches: [cacheEntry(larder.registry)] });
    await waitFor(() => agent.hasHosts(), { what: 'hosts.toml' });

    const { url: relay, ca } = agent.agent.relay;
    const manifest = '/v2/team/app/manifests/v1';
    const refused = await agent.get(manifest);
    assert.equal(refused.status, 401);
    const challenge = String(refused.headers['www-authenticate']);
    assert.match(challenge, new RegExp(`realm="${relay}/token/${NAME}"`));
    const alice = { user: 'alice', password: 'secret-of-alice' };
    const authorization = await logIn(challenge, alice, { ca });
    assert.equal((await agent.get(manifest, { headers: { authorization: authorization! } })).status, 200);

    const form =
      'grant_type=password&username=alice&password=secret-of-alice&service=x&scope=repository:team/app:pull';
    const posted = await get(`${relay}/token/${NAME}`, {
      ca,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      send: form,
    });
    assert.equal(posted.status, 200);
    const tooLong = await get(`${relay}/token/${NAME}`, {
      ca,
      method: 'POST',
      send: 'x'.repeat(70_000),
    });
    assert.equal(tooLong.status, 400);
  });
});

/** Asserts that only probes open connections; a busy machine needs more than one. Connections that only test the host carry no request. */
function assertReused({ cache }: Pair): void {
  const used = new Set(cache.requests.map(({ connection }) => connection)).size;
  const probes = cache.count({ kind: 'other' });
  assert.ok(used <= probes, `${used} connections, ${probes} probes, ${cache.requests.length} requests`);
  assert.ok(cache.requests.length > 2 * probes);
}

/** Sends a GET and returns the end of the answer on the wire with its bytes. */
function rawGet(pair: Pair, path: string, version = '1.1'): Promise<RawAnswer> {
  const { hostname, port, pathname, search } = new URL(pair.url(path));
  return new Promise((resolve) => {
    let [bytes, text] = [0, ''];
    const socket = connect({ port: Number(port), host: hostname, ca: pair.agent.relay.ca });
    socket.write(`GET ${pathname}${search} HTTP/${version}\r\nHost: x\r\n\r\n`);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < 10_000) text += chunk.toString('latin1');
    });
    socket.on('end', () => resolve({ bytes, text, ended: 'fin' }));
    socket.on('error', () => resolve({ bytes, text, ended: 'rst' }));
  });
}

interface RawAnswer {
  readonly bytes: number;
  /** Text of a short answer. */
  readonly text: string;
  readonly ended: 'fin' | 'rst';
}
