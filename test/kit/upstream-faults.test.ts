import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blobOf,
  get,
  head,
  imageOf,
  startUpstream,
  waitFor,
  type FaultOptions,
  type GetOptions,
} from './index.ts';

const SIZE = 3_000_000;

test('a held answer comes when the test releases it', async () => {
  await using world = await start({ hold: true });
  const answer = world.read();
  await world.fault.reached();
  assert.deepEqual([world.fault.waiting, world.upstream.requests[0]?.status], [1, 0]);
  world.fault.release();
  assert.equal((await answer).matches, true);
  assert.equal((await world.read()).matches, true);
});

test('a held request ends with its client', async () => {
  await using world = await start({ hold: true });
  const leave = new AbortController();
  const answer = assert.rejects(world.read({ signal: leave.signal }), { code: 'ABORT_ERR' });
  await world.fault.reached();
  leave.abort();
  await answer;
  await waitFor(() => world.fault.waiting === 0 && world.upstream.requests[0]?.ending === 'aborted');
});

test('a body pauses after exactly so many bytes and goes on when released', async () => {
  await using world = await start({ pauseAfter: 1_000_001 });
  let received = 0;
  const answer = world.read({ onBytes: (bytes) => (received = bytes) });
  await world.fault.reached();
  await waitFor(() => received === 1_000_001);
  assert.equal(world.upstream.bodyBytes(), 1_000_001);
  world.fault.release();
  assert.deepEqual(summary(await answer), { status: 200, bytes: SIZE, matches: true, complete: true });
});

test('a body is cut after exactly so many bytes, each time, and a resuming client gets all', async () => {
  await using world = await start({ cutAfter: 1_000_000 });
  const first = await world.read();
  assert.deepEqual(summary(first), { status: 200, bytes: 1_000_000, matches: true, complete: false });
  const second = await world.read({ from: 1_000_000 });
  assert.deepEqual(summary(second), { status: 206, bytes: 1_000_000, matches: true, complete: false });
  const third = await world.read({ from: 2_000_000 });
  assert.deepEqual(summary(third), { status: 206, bytes: 1_000_000, matches: true, complete: true });
  assert.deepEqual(
    world.upstream.requests.map((request) => request.ending),
    ['cut', 'cut', 'complete'],
  );
  assert.equal(world.upstream.bodyBytes(), SIZE);
});

test('a cut is seen as a premature end, or as a reset if configured', async () => {
  await using world = await start({ cutAfter: 10, cutBy: 'rst', nth: 2 });
  assert.equal((await world.read()).complete, true);
  const reset = await world.read();
  assert.equal((reset.failure as NodeJS.ErrnoException).code, 'ECONNRESET');
  assert.equal((await world.read()).complete, true);
});

test('over TLS, too, bodies are cut and reset', async () => {
  await using upstream = await startUpstream({ tls: true });
  const blob = blobOf(SIZE);
  upstream.push('r', blob);
  const read = () =>
    get(`${upstream.url}/v2/r/blobs/${blob.digest}`, { ca: upstream.caPem, body: { expect: blob } });
  for (const cutBy of ['fin', 'rst'] as const) {
    using _fault = upstream.faults.add({ cutAfter: 1000, cutBy });
    const { bytes, complete } = await read();
    assert.ok(!complete && bytes <= 1000, `${cutBy}: ${bytes}`);
  }
  assert.equal((await read()).complete, true);
});

test('a connection is dropped without an answer', async () => {
  for (const drop of ['fin', 'rst'] as const) {
    await using world = await start({ drop });
    await assert.rejects(world.read(), { code: 'ECONNRESET' });
    assert.deepEqual(
      world.upstream.requests.map(({ status, ending }) => [status, ending]),
      [[0, 'cut']],
    );
  }
});

test('a limited bandwidth holds over the whole body', async () => {
  await using world = await start({ bytesPerSecond: 10_000_000 });
  const begin = performance.now();
  assert.equal((await world.read()).matches, true);
  const seconds = (performance.now() - begin) / 1000;
  assert.ok(seconds > 0.25 && seconds < 10, `${seconds} s for ${SIZE} bytes`);
});

test('one byte is wrong, at exactly the given offset', async () => {
  await using world = await start({ flipByteAt: 1_234_567 });
  const { body } = await world.read({ body: 'keep' });
  assert.equal(body.length, SIZE);
  assert.deepEqual(differences(body, world.blob.read()), [1_234_567]);
  assert.equal((await world.read({ from: 1_234_568 })).matches, true);
});

test('a wrong Content-Length ends the connection early or late', async () => {
  await using world = await start({ contentLength: SIZE + 1, times: 1 });
  const long = await world.read();
  assert.deepEqual(summary(long), { status: 200, bytes: SIZE, matches: true, complete: false });
  world.upstream.faults.add({ contentLength: 1000 });
  assert.equal((await world.read()).bytes, 1000);
});

test('headers are missing or false', async () => {
  await using world = await start({ match: { kind: 'blob' }, chunked: true, digestHeader: 'omit', times: 1 });
  const bare = await world.read();
  assert.equal(bare.matches, true);
  assert.deepEqual(
    [
      bare.headers['content-length'],
      bare.headers['transfer-encoding'],
      bare.headers['docker-content-digest'],
    ],
    [undefined, 'chunked', undefined],
  );
  world.upstream.faults.add({
    digestHeader: { value: 'sha256:no' },
    headers: { etag: null, 'ratelimit-remaining': '7;w=21600' },
  });
  const { headers } = await world.read();
  assert.deepEqual(
    [headers['docker-content-digest'], headers.etag, headers['ratelimit-remaining']],
    ['sha256:no', undefined, '7;w=21600'],
  );
});

test('ranges are ignored, refused, labelled wrongly or filled wrongly', async () => {
  await using world = await start({ range: 'ignore', nth: 1 });
  const { faults } = world.upstream;
  const from = 1000;
  const ignored = await world.read({ from, body: { expect: world.blob } });
  assert.deepEqual(summary(ignored), { status: 200, bytes: SIZE, matches: true, complete: true });
  faults.add({ range: 'refuse', nth: 1 });
  assert.equal((await world.read({ from })).status, 416);
  faults.add({ range: 'mislabel', nth: 1 });
  const mislabelled = await world.read({ from });
  assert.deepEqual(
    [mislabelled.headers['content-range'], mislabelled.matches],
    [`bytes 1001-${SIZE - 1}/${SIZE}`, true],
  );
  faults.add({ range: 'shift', nth: 1 });
  const shifted = await world.read({ from });
  assert.deepEqual(
    [shifted.headers['content-range'], shifted.matches],
    [`bytes 1000-${SIZE - 1}/${SIZE}`, false],
  );
});

test('any status is answered, as JSON, as plain text or as garbage', async () => {
  await using world = await start({ status: 429, retryAfter: 30, times: 1 });
  const { faults, url } = world.upstream;
  const limited = await world.read({ body: 'keep' });
  assert.deepEqual([limited.status, limited.headers['retry-after']], [429, '30']);
  assert.match(limited.text(), /"code":"TOOMANYREQUESTS"/);
  faults.add({ status: 429, body: 'plain', times: 1 });
  assert.equal((await world.read({ body: 'keep' })).headers['content-type'], 'text/plain; charset=utf-8');
  for (const status of [401, 403, 404, 405, 408, 500, 502, 503, 504]) {
    using _fault = faults.add({ match: { method: 'HEAD', kind: 'manifest' }, status });
    assert.equal((await head(`${url}/v2/r/manifests/v1`)).status, status);
    assert.equal((await get(`${url}/v2/r/manifests/v1`)).status, 200);
  }
});

test('the token server fails on its own', async () => {
  await using upstream = await startUpstream({ auth: 'bearer' });
  const ask = (method = 'GET') => get(`${upstream.url}/token?service=test-registry`, { method });
  upstream.faults.add({ match: { kind: 'token', method: 'POST' }, status: 404 });
  assert.equal((await ask('POST')).status, 404);
  assert.equal((await ask()).status, 200);
  upstream.faults.add({ match: { kind: 'token' }, body: { text: '{"token":' } });
  const garbage = await ask();
  assert.deepEqual([garbage.status, garbage.text()], [200, '{"token":']);
  upstream.faults.clear();
  const held = upstream.faults.add({ match: { kind: 'token' }, hold: true });
  const answer = ask();
  await held.reached();
  upstream.faults.clear();
  assert.equal((await answer).status, 200);
});

test('a fault hits the requests it is meant for, by number, place and predicate', async () => {
  await using upstream = await startUpstream();
  upstream.push('a', imageOf(), 'v1', 'v2');
  upstream.push('b', imageOf(), 'v1');
  const status = async (path: string, headers = {}) =>
    (await get(`${upstream.url}/v2/${path}`, { headers })).status;
  const fault = upstream.faults.add({
    match: { repository: 'a', reference: 'v1' },
    status: 500,
    nth: 2,
    times: 2,
  });
  assert.deepEqual([await status('a/manifests/v2'), await status('b/manifests/v1')], [200, 200]);
  const sequence = [];
  for (let i = 0; i < 4; i += 1) sequence.push(await status('a/manifests/v1'));
  assert.deepEqual([sequence, fault.hits], [[200, 500, 500, 200], 2]);
  upstream.faults.add({ match: { where: ({ headers }) => headers['x-canary'] === 'yes' }, status: 503 });
  assert.equal(await status('b/manifests/v1', { 'x-canary': 'yes' }), 503);
  assert.equal(await status('b/manifests/v1'), 200);
});

test('disposing ends what is held and what is paused', async () => {
  const upstream = await startUpstream();
  upstream.push('r', imageOf(), 'v1');
  const fault = upstream.faults.add({ hold: true });
  const answer = get(`${upstream.url}/v2/r/manifests/v1`).catch((error: unknown) => error);
  await fault.reached();
  await upstream[Symbol.asyncDispose]();
  await answer;
  assert.equal(upstream.connections.open, 0);
});

/** An upstream with one blob and one fault, and a reader of that blob. */
async function start(options: FaultOptions) {
  const upstream = await startUpstream();
  const blob = blobOf(SIZE);
  upstream.push('r', blob);
  upstream.push('r', imageOf(), 'v1');
  const fault = upstream.faults.add(options);
  return {
    upstream,
    blob,
    fault,
    read({ from = 0, ...rest }: GetOptions & { from?: number } = {}) {
      const headers = from === 0 ? {} : { range: `bytes=${from}-` };
      return get(`${upstream.url}/v2/r/blobs/${blob.digest}`, {
        headers,
        body: { expect: blob, from },
        ...rest,
      });
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

function summary({ status, bytes, matches, complete }: Awaited<ReturnType<typeof get>>) {
  return { status, bytes, matches, complete };
}

function differences(a: Buffer, b: Buffer): number[] {
  return [...a.keys()].filter((index) => a[index] !== b[index]);
}
