import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic, imageOf, startUpstream, type Upstream, type UpstreamOptions } from '../kit/index.ts';
import { clientOf } from './client.ts';

const image = imageOf({ layers: [50_000] });
const BLOB = `/v2/app/blobs/${image.blobs.find(({ size }) => size === 50_000)?.digest}`;

async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream(options);
  upstream.push('app', image, 'v1');
  return upstream;
}

for (const status of [301, 302, 303, 307, 308] as const) {
  test(`${status} is followed, with the range and without Authorization`, async () => {
    await using upstream = await start({ redirect: { status }, auth: 'basic', users: { u: 'p' } });
    await using client = clientOf(upstream, { login: 'u:p' });
    const answer = await client.ask({ path: BLOB, range: { start: 49_990 } });
    assert.deepEqual([answer.status, answer.body.length], [206, 10]);
    const cdn = upstream.requests.at(-1);
    assert.deepEqual(
      [cdn?.kind, cdn?.headers.authorization, cdn?.headers.range],
      ['cdn', undefined, 'bytes=49990-'],
    );
  });
}

test("a caller's Authorization goes to the upstream's own origin below /v2/, from whatever redirect, and nowhere else", async () => {
  await using upstream = await start();
  await using elsewhere = await start();
  await using client = clientOf(upstream);
  const caller = basic('u', 'p');
  const sent = async (location: string): Promise<(string | undefined)[]> => {
    for (const registry of [upstream, elsewhere]) registry.reset();
    using _ = upstream.faults.add({ status: 307, headers: { location }, nth: 1 });
    await client.ask({ path: BLOB, caller });
    return [...upstream.requests.slice(1), ...elsewhere.requests].map(({ headers }) => headers.authorization);
  };
  assert.deepEqual(await sent(BLOB), [caller]);
  assert.deepEqual(await sent(`${upstream.url}${BLOB}`), [caller]);
  assert.deepEqual(await sent('/artifacts-downloads/x?sig=1'), [undefined]);
  assert.deepEqual(await sent('/v2x/app'), [undefined]);
  assert.deepEqual(await sent('/v2/../artifacts-downloads/x'), [undefined]);
  assert.deepEqual(await sent('/v2/%2e%2e/artifacts-downloads/x'), [undefined]);
  assert.deepEqual(await sent(`${elsewhere.url}/bucket/x`), [undefined]);
  assert.deepEqual(await sent(`${elsewhere.url}${BLOB}`), [undefined]);
  assert.deepEqual(await sent(`http://u:p@${elsewhere.host}${BLOB}`), [undefined]);
  // Another name of the same machine is another origin.
  assert.deepEqual(await sent(`http://localhost:${upstream.port}${BLOB}`), [undefined]);
  using _ = elsewhere.faults.add({ status: 302, headers: { location: `${upstream.url}${BLOB}` } });
  assert.deepEqual(await sent(`${elsewhere.url}/bucket/x`), [caller, undefined]);
});

test('five redirects are followed, the sixth is a loop', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  for (const [times, expected] of [
    [5, undefined],
    [6, 'UPSTREAM_BAD_ANSWER'],
  ] as const) {
    using _ = upstream.faults.add({ status: 307, headers: { location: BLOB }, times });
    const answer = client.ask(BLOB);
    if (expected === undefined) assert.equal((await answer).status, 200);
    else await assert.rejects(answer, { code: expected });
  }
});

test('a redirect without, or with an unreadable Location is a bad answer', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  for (const location of [null, 'http://[']) {
    using _ = upstream.faults.add({ status: 302, headers: { location } });
    await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_BAD_ANSWER' });
  }
});

test('an https registry may not lead to http, by redirect or by realm', async () => {
  await using upstream = await start({ tls: true });
  await using client = clientOf(upstream);
  const plain = upstream.url.replace('https:', 'http:');
  using redirect = upstream.faults.add({ status: 307, headers: { location: `${plain}${BLOB}?sig=abc` } });
  await assert.rejects(client.ask(BLOB), (error: Error & { code: string }) => {
    assert.equal(error.code, 'UPSTREAM_FORBIDDEN_ADDRESS');
    assert.doesNotMatch(error.message, /sig=/);
    return true;
  });
  redirect.remove();
  const challenge = `Bearer realm="${plain}/token",service="s"`;
  using _ = upstream.faults.add({ status: 401, headers: { 'www-authenticate': challenge } });
  await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
  await assert.rejects(client.ask({ path: BLOB, caller: 'Bearer x' }), {
    code: 'UPSTREAM_FORBIDDEN_ADDRESS',
  });
});

test('an upstream on this machine names neither link-local addresses nor other schemes', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  for (const location of [
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/x',
    'file:///etc/passwd',
    'http://0xa9fea9fe/',
  ]) {
    using _ = upstream.faults.add({ status: 307, headers: { location } });
    await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
  }
});

test('an upstream with a public address reaches no inner one, by address or by name, before or after resolution', async () => {
  await using upstream = await start();
  const { port } = new URL(upstream.url);
  await using client = clientOf(
    { url: `http://registry.example:${port}`, host: 'registry.example', caPem: undefined },
    {
      // The second address, never tried, makes the registry a public one.
      resolve: async (name) => [
        { address: '127.0.0.1', family: 4 },
        ...(name === 'registry.example' ? [{ address: '192.0.2.1', family: 4 }] : []),
      ],
    },
  );
  assert.equal((await client.ask(BLOB)).status, 200);
  for (const location of [
    `http://127.0.0.1:${port}/x`,
    `http://localhost:${port}/x`,
    `http://inside.example:${port}/x`,
  ]) {
    using _ = upstream.faults.add({ status: 307, headers: { location }, times: 1 });
    await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
  }
  const realm = `Bearer realm="http://inside.example:${port}/token"`;
  using _ = upstream.faults.add({ status: 401, headers: { 'www-authenticate': realm }, times: 1 });
  await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
  assert.equal(upstream.count({ kind: ['token', 'other'] }), 0);
});

test('a refusal of storage to its signed address is no answer for a client', async () => {
  await using upstream = await start({ redirect: {} });
  await using client = clientOf(upstream);
  for (const status of [400, 401, 403]) {
    using _ = upstream.faults.add({ match: { kind: 'cdn' }, status });
    await assert.rejects(client.ask(BLOB), { code: 'UPSTREAM_BAD_ANSWER' });
  }
  using _ = upstream.faults.add({ match: { kind: 'cdn' }, status: 404 });
  assert.equal((await client.ask(BLOB)).status, 404);
});

test('every hop is counted under the kind of its request', async () => {
  await using upstream = await start({ redirect: {} });
  await using client = clientOf(upstream);
  await client.ask(BLOB);
  const labels = { upstream_host: upstream.host, method: 'GET', kind: 'blob' };
  assert.equal(await client.metric('larder_upstream_requests_total', { ...labels, code: '307' }), 1);
  assert.equal(await client.metric('larder_upstream_requests_total', { ...labels, code: '200' }), 1);
});
