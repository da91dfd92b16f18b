import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  assertNoLeaks,
  blobOf,
  imageOf,
  startUpstream,
  waitFor,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { clientOf } from './client.ts';

const MIB = 1 << 20;
const image = imageOf({ layers: [4 * MIB] });
const layer = image.blobs.find(({ size }) => size === 4 * MIB)?.digest ?? '';
const MANIFEST = '/v2/app/manifests/v1';
const BLOB = `/v2/app/blobs/${layer}`;

async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream(options);
  upstream.push('app', image, 'v1');
  return upstream;
}

test('requests say who asks, want no compression, and name the host and the bytes they want', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask({ path: BLOB, accept: 'a/b', range: { start: 5, end: 10 } });
  const { headers } = upstream.requests[0] ?? {};
  assert.equal(headers?.['user-agent'], 'larder/test');
  assert.equal(headers?.['accept-encoding'], 'identity');
  assert.equal(headers?.['accept'], 'a/b');
  assert.equal(headers?.['host'], upstream.host);
  assert.equal(headers?.['range'], 'bytes=5-9');
});

test('one connection is used again and again, after HEAD and after redirects too', async () => {
  await using upstream = await start({ redirect: { to: 'same-origin' } });
  await using client = clientOf(upstream);
  for (const _ of [1, 2, 3]) {
    await client.ask({ method: 'HEAD', path: MANIFEST });
    await client.ask(BLOB);
  }
  assert.ok(upstream.connections.opened <= 2, `${upstream.connections.opened} connections`);
});

test('no more than 128 connections at a time, and every request is served', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const release = upstream.faults.add({ hold: true });
  const answers = Array.from({ length: 200 }, () => client.ask(MANIFEST));
  await release.reached(128);
  assert.equal(upstream.connections.open, 128);
  release.release();
  assert.ok((await Promise.all(answers)).every(({ status }) => status === 200));
  assert.equal(upstream.connections.peak, 128);
});

test('a request that finds all connections busy for too long fails with that reason', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream, { limits: { connections: 1, queueMs: 10_000, headersMs: 60_000 } });
  using hold = upstream.faults.add({ hold: true });
  const first = client.ask(MANIFEST);
  await hold.reached();
  const second = assert.rejects(client.ask(MANIFEST), { code: 'OVERLOADED' });
  await waitFor(() => client.clock.pending === 2);
  client.clock.advance(15_000);
  await second;
  hold.release();
  assert.equal((await first).status, 200);
});

test('an idle connection is closed in time, however long the server would keep it', async () => {
  await using upstream = await start();
  upstream.faults.add({ headers: { 'keep-alive': 'timeout=75' } });
  await using client = clientOf(upstream, { limits: { idleMs: 100 } });
  await client.ask(MANIFEST);
  assert.equal(upstream.connections.open, 1);
  await waitFor(() => upstream.connections.open === 0, { limitMs: 5_000 });
});

test('a kept-alive connection that the server closed is replaced unnoticed', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask(MANIFEST);
  using drop = upstream.faults.add({ drop: 'fin', times: 1 });
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.equal(drop.hits, 1);
  assert.equal(await client.metric('larder_upstream_requests_total', { code: 'error' }), 1);
});

test('a server that drops every request is unreachable after two tries', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using drop = upstream.faults.add({ drop: 'rst' });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_UNREACHABLE' });
  assert.equal(drop.hits, 2);
});

test('refused connections, unknown names and untrusted certificates are unreachable', async () => {
  await using upstream = await start({ tls: true });
  await using client = clientOf(upstream);
  for (const flaw of ['untrusted', 'expired', 'wrong-name', 'close'] as const) {
    upstream.breakTls(flaw);
    await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_UNREACHABLE' });
  }
  upstream.breakTls(undefined);
  await using untrusting = clientOf({ ...upstream, caPem: undefined });
  await assert.rejects(untrusting.ask(MANIFEST), {
    code: 'UPSTREAM_UNREACHABLE',
    hint: /caBundleSecretReferenceName/,
  });
  await using unknown = clientOf(
    { url: 'http://registry.invalid', host: 'registry.invalid', caPem: undefined },
    { resolve: () => Promise.reject(new Error('getaddrinfo ENOTFOUND registry.invalid')) },
  );
  await assert.rejects(unknown.ask(MANIFEST), {
    code: 'UPSTREAM_UNREACHABLE',
    message: /registry\.invalid: getaddrinfo ENOTFOUND/,
  });
});

test('a connection that cannot be opened is a time-out after 5 s', async () => {
  await using upstream = await start({ tls: true });
  upstream.breakTls('hang');
  await using client = clientOf(upstream);
  const answer = assert.rejects(client.ask(MANIFEST), {
    code: 'UPSTREAM_TIMEOUT',
    message: /no connection within 5000 ms/,
  });
  await waitFor(() => upstream.connections.open === 1);
  client.clock.advance(5_000);
  await answer;
});

test('a server that does not answer is a time-out after 15 s', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using hang = upstream.faults.add({ hold: true });
  const answer = assert.rejects(client.ask(MANIFEST), {
    code: 'UPSTREAM_TIMEOUT',
    message: /did not answer GET within 15000 ms/,
  });
  await hang.reached();
  client.clock.advance(14_999);
  assert.equal(hang.waiting, 1);
  client.clock.advance(1);
  await answer;
});

test('a cut body gives all received bytes, then an error with their number', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  for (const cutBy of ['fin', 'rst'] as const) {
    using _ = upstream.faults.add({ cutAfter: MIB, cutBy });
    const { body } = await client.open(BLOB);
    let received = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of body) received += (chunk as Buffer).length;
      },
      { code: 'UPSTREAM_UNREACHABLE', message: /ended the body after \d+ of 4194304 bytes/ },
    );
    if (cutBy === 'fin') assert.equal(received, MIB);
  }
});

test('a body shorter than announced is cut, a longer one is held to its length', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using short = upstream.faults.add({ contentLength: 5 * MIB });
  await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_UNREACHABLE', message: /4194304 of 5242880/ });
  short.remove();
  using long = upstream.faults.add({ contentLength: MIB });
  assert.equal((await client.ask(BLOB)).body.length, MIB);
  long.remove();
  using _ = upstream.faults.add({ chunked: true });
  const chunked = await client.ask(BLOB);
  assert.deepEqual([chunked.contentLength, chunked.body.length], [undefined, 4 * MIB]);
});

test('a body that stalls is a time-out after 60 s without a byte', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using stall = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: 1000 });
  const response = await client.open(BLOB);
  const body = assert.rejects(response.read(8 * MIB), {
    code: 'UPSTREAM_TIMEOUT',
    message: /after 1000 of 4194304 bytes/,
  });
  await stall.reached();
  await waitFor(async () => (await client.metric('larder_upstream_bytes_total')) === 1000);
  client.clock.advance(60_000);
  await body;
});

test('a reader that pauses is no stall of the upstream', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const response = await client.open(BLOB);
  await waitFor(() => response.body.readableLength > 0);
  await waitFor(async () => {
    const before = await client.metric('larder_upstream_bytes_total');
    await new Promise((resolve) => setImmediate(resolve));
    return before > 0 && before === (await client.metric('larder_upstream_bytes_total'));
  });
  client.clock.advance(600_000);
  assert.equal((await response.read(8 * MIB)).length, 4 * MIB);
});

test('an answer above the limit of its reader is refused', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await assert.rejects((await client.open(BLOB)).read(MIB), { code: 'UPSTREAM_BAD_ANSWER' });
  using _ = upstream.faults.add({ chunked: true });
  await assert.rejects((await client.open(BLOB)).read(MIB), { code: 'UPSTREAM_BAD_ANSWER' });
});

test('the signal ends a request while it waits, and its body while it flows', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const gone = new AbortController();
  using hold = upstream.faults.add({ hold: true });
  const waiting = assert.rejects(client.ask({ path: MANIFEST, signal: gone.signal }), /client left/);
  await hold.reached();
  gone.abort(new Error('client left'));
  await waiting;
  hold.remove();
  await assert.rejects(client.ask({ path: MANIFEST, signal: gone.signal }), /client left/);
  const later = new AbortController();
  using _ = upstream.faults.add({ pauseAfter: 1000 });
  const { body } = await client.open({ path: BLOB, signal: later.signal });
  const flowing = assert.rejects(async () => {
    for await (const __ of body) later.abort(new Error('enough'));
  }, /enough/);
  await flowing;
  await waitFor(() => upstream.connections.open === 0);
});

test('headers up to 64 KiB are read, longer ones are a bad answer', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  for (const [size, code] of [
    [60_000, undefined],
    [70_000, 'UPSTREAM_BAD_ANSWER'],
  ] as const) {
    using _ = upstream.faults.add({ headers: { 'x-long': 'a'.repeat(size) } });
    if (code === undefined) assert.equal((await client.ask(MANIFEST)).status, 200);
    else await assert.rejects(client.ask(MANIFEST), { code });
  }
});

test('what does not speak HTTP is a bad answer', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await using client = clientOf({ url: `http://${host}`, host, caPem: undefined });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_BAD_ANSWER' });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('5xx is an error for every requester, with the time to wait if the upstream named one', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ status: 503, retryAfter: 7 });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_5XX', retryAfterSeconds: 7 });
  await assert.rejects(client.ask({ path: MANIFEST, caller: 'Bearer x' }), { code: 'UPSTREAM_5XX' });
});

test('bytes are counted as they arrive, those of content by type', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const manifest = await client.ask(MANIFEST);
  await client.ask(BLOB);
  await client.ask({ path: BLOB, kind: 'range', range: { start: 0, end: 10 } });
  await client.ask('/v2/app/tags/list');
  const tags = upstream.bodyBytes({ kind: 'tags' });
  const host = { upstream_host: upstream.host };
  assert.equal(
    await client.metric('registry_proxy_pulled_bytes_total', { ...host, type: 'blob' }),
    4 * MIB + 10,
  );
  assert.equal(
    await client.metric('registry_proxy_pulled_bytes_total', { ...host, type: 'manifest' }),
    manifest.body.length,
  );
  assert.equal(
    await client.metric('larder_upstream_bytes_total', host),
    4 * MIB + 10 + manifest.body.length + tags,
  );
});

test('close waits for a request on its way and for bodies, and leaves nothing behind', async () => {
  await using upstream = await start({ redirect: {}, tls: true, auth: 'bearer' });
  const blob = blobOf(3 * MIB, 1);
  upstream.push('app', blob);
  await assertNoLeaks(async () => {
    const client = clientOf(upstream);
    using hold = upstream.faults.add({ match: { kind: 'blob' }, hold: true, nth: 1, times: 1 });
    const answer = client.ask(`/v2/app/blobs/${blob.digest}`);
    await hold.reached();
    const closed = client.close();
    hold.release();
    assert.equal((await answer).body.length, 3 * MIB);
    await closed;
    assert.equal(client.clock.pending, 0);
  });
});
