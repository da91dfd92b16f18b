/** Rate limits and the circuit breaker: memory of a failing upstream, and its duration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passwordCredential } from '../../src/upstream/credentials/credential.ts';
import {
  basic,
  imageOf,
  startUpstream,
  type FaultOptions,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { clientOf } from './client.ts';

const image = imageOf({ layers: [1000] });
const MANIFEST = '/v2/app/manifests/v1';

async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream(options);
  upstream.push('app', image, 'v1');
  upstream.push('other', image, 'v1');
  return upstream;
}

test('Retry-After of a 429 holds for all requests', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using limit = upstream.faults.add({ status: 429, retryAfter: 30 });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 30 });
  limit.remove();
  client.clock.advance(10_000);
  await assert.rejects(client.ask('/v2/other/manifests/v1'), {
    code: 'UPSTREAM_RATE_LIMITED',
    retryAfterSeconds: 20,
  });
  assert.equal(upstream.count(), 1);
  client.clock.advance(20_000);
  assert.equal((await client.ask(MANIFEST)).status, 200);
});

test('a 429 without Retry-After counts for 5 s, one with a date until then, none for more than an hour', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const soon = (): string => new Date(client.clock.now() + 120_000).toUTCString();
  for (const [retryAfter, seconds] of [
    [undefined, 5],
    [soon, 120],
    [86_400, 3600],
  ] as const) {
    const value = typeof retryAfter === 'function' ? retryAfter() : retryAfter;
    using _ = upstream.faults.add({ status: 429, ...(value !== undefined && { retryAfter: value }) });
    await assert.rejects(client.ask(MANIFEST), (error: Error & { retryAfterSeconds: number }) => {
      assert.ok(
        Math.abs(error.retryAfterSeconds - seconds) <= 6,
        `${error.retryAfterSeconds} s for ${value}`,
      );
      return true;
    });
    client.clock.advance(3600_000);
  }
});

test('a limit belongs to a credential: another login goes on, and so do callers with their own', async () => {
  await using upstream = await start({ auth: 'basic', users: { alice: 'a', bob: 'b' } });
  let login = passwordCredential('alice', 'a');
  await using client = clientOf(upstream, { credentials: () => login });
  using _ = upstream.faults.add({ match: { user: 'alice' }, status: 429, retryAfter: 60 });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_RATE_LIMITED' });
  const caller = basic('bob', 'b');
  assert.equal((await client.ask({ path: MANIFEST, caller })).status, 200);
  login = passwordCredential('bob', 'b');
  assert.equal((await client.ask(MANIFEST)).status, 200);
});

test('a 429 of the token server counts like one of the registry', async () => {
  await using upstream = await start({ auth: 'bearer' });
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ match: { kind: 'token' }, status: 429, retryAfter: 9 });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 9 });
  upstream.reset();
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 9 });
  assert.equal(upstream.count(), 0);
});

test('after five failures in a row nothing is sent for 5 s, then one request probes', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const up = (): Promise<number> => client.metric('larder_upstream_up', { upstream_host: upstream.host });
  assert.equal(await up(), 1);
  await upstream.refuse();
  for (const _ of [1, 2, 3, 4, 5])
    await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_UNREACHABLE' });
  assert.equal(await up(), 0);
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_BREAKER_OPEN', retryAfterSeconds: 5 });
  await assert.rejects(client.ask({ path: MANIFEST, caller: 'Bearer x' }), { code: 'UPSTREAM_BREAKER_OPEN' });
  client.clock.advance(5_000);
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_UNREACHABLE' });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_BREAKER_OPEN', retryAfterSeconds: 8 });
  await upstream.accept();
  client.clock.advance(8_000);
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.equal(await up(), 1);
});

test('the gauge follows the last attempt: down without an answer in time, up after any answer, whatever the breaker says', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const up = (): Promise<number> => client.metric('larder_upstream_up', { upstream_host: upstream.host });
  const isUp = async (fault: FaultOptions | undefined, code?: string): Promise<number> => {
    using _ = fault && upstream.faults.add(fault);
    const asked = client.ask(MANIFEST);
    if (code === undefined) await asked;
    else await assert.rejects(asked, { code });
    return up();
  };
  for (const _ of [1, 2]) {
    assert.equal(await isUp({ drop: 'rst' }, 'UPSTREAM_UNREACHABLE'), 0);
    assert.equal(await isUp({ status: 503 }, 'UPSTREAM_5XX'), 1);
    assert.equal(await isUp({ drop: 'fin' }, 'UPSTREAM_UNREACHABLE'), 0);
    assert.equal(await isUp(undefined), 1);
  }

  using hang = upstream.faults.add({ match: { repository: 'other' }, hold: true });
  const hanging = assert.rejects(client.ask('/v2/other/manifests/v1'), { code: 'UPSTREAM_TIMEOUT' });
  await hang.reached();
  client.clock.advance(15_000);
  await hanging;
  assert.equal(await up(), 0);

  const straggler = assert.rejects(client.ask('/v2/other/manifests/v1'), { code: 'UPSTREAM_TIMEOUT' });
  await hang.reached(2);
  assert.equal(await isUp(undefined), 1);
  client.clock.advance(15_000);
  await straggler;
  assert.equal(await up(), 1, 'an attempt that began earlier says nothing new');
});

test('answers of any status keep the breaker closed', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ status: 502 });
  for (const __ of Array(10).keys()) await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_5XX' });
});

test('a path that hangs does not stop the others', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using hang = upstream.faults.add({ match: { repository: 'app' }, hold: true });
  const hanging = Array.from({ length: 10 }, () =>
    assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_TIMEOUT' }),
  );
  await hang.reached(10);
  client.clock.advance(7_000);
  assert.equal((await client.ask('/v2/other/manifests/v1')).status, 200);
  client.clock.advance(8_000);
  await Promise.all(hanging);
  assert.equal((await client.ask('/v2/other/manifests/v1')).status, 200);
});

test('storage that fails has its own breaker', async () => {
  await using upstream = await start({ redirect: {} });
  await using client = clientOf(upstream);
  await upstream.cdn?.refuse();
  const blob = `/v2/app/blobs/${image.blobs[0]?.digest}`;
  for (const _ of [1, 2, 3, 4, 5]) await assert.rejects(client.ask(blob), { code: 'UPSTREAM_UNREACHABLE' });
  await assert.rejects(client.ask(blob), { code: 'UPSTREAM_BREAKER_OPEN' });
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.equal(await client.metric('larder_upstream_up', { upstream_host: upstream.host }), 1);
});
