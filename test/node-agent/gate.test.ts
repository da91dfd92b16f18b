import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { imageOf, startUpstream, waitFor } from '../kit/index.ts';
import { startHostOfCache } from './host-of-cache.ts';
import {
  cacheEntry,
  machine,
  machineClock,
  NAME,
  playLarder,
  startAgent,
  startPair,
  type Pair,
} from './setting.ts';

const image = imageOf({ layers: [1000] });
const manifest = '/v2/app/manifests/v1';

const SOON_MS = machine.limit(50);
/** Waiting requests would otherwise fail after 25 s. */
const BEFORE_HEADERS_ARE_DUE_MS = machine.limit(10_000);

/** containerd keeps its connections, too. */
const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

/** Milliseconds until 503. */
async function msUntilRefusal(pair: Pick<Pair, 'get'>): Promise<number> {
  const begin = performance.now();
  assert.equal((await pair.get(manifest, { agent })).status, 503);
  return performance.now() - begin;
}

/** Asserts that 503 comes soon: the median of five, as a single one may wait for the machine. */
async function assertRefusedSoon(pair: Pick<Pair, 'get'>): Promise<void> {
  const times: number[] = [];
  while (times.length < 5) times.push(await msUntilRefusal(pair));
  const median = times.toSorted((one, other) => one - other)[2] as number;
  assert.ok(median < SOON_MS, `${times.join(', ')} ms, expected less than ${SOON_MS}`);
}

describe('a cache that is gone', () => {
  test('sends containerd on within 50 ms, loses its hosts.toml, and gets it back when it answers', async () => {
    await using pair = await startPair();
    pair.cache.push('app', image, 'v1');
    assert.equal((await pair.get(manifest)).status, 200);
    await pair.cache.refuse();
    await assertRefusedSoon(pair);
    await waitFor(() => !pair.hasHosts(), { what: 'hosts.toml to go' });
    await assertRefusedSoon(pair);
    await waitFor(() => pair.agent.status()?.upstreams[0]?.state === 'Down');
    await pair.cache.accept();
    await waitFor(() => pair.hasHosts(), { what: 'hosts.toml to come back' });
    assert.equal((await pair.get(manifest)).status, 200);
    await waitFor(() => pair.agent.status()?.upstreams[0]?.state === 'Ready');
  });

  test('and accepts connections silently costs one request a second, and the next ones nothing', async () => {
    await using pair = await startPair();
    pair.cache.breakTls('hang');
    pair.cache.hangUp();
    assert.ok((await msUntilRefusal(pair)) < BEFORE_HEADERS_ARE_DUE_MS);
    await assertRefusedSoon(pair);
  });

  test('and hangs with its connections open gives up its requests once a probe has failed', async () => {
    await using pair = await startPair();
    pair.cache.faults.add({ hold: true });
    assert.ok((await msUntilRefusal(pair)) < BEFORE_HEADERS_ARE_DUE_MS);
    await assertRefusedSoon(pair);
    await waitFor(() => !pair.hasHosts());
  });

  for (const how of ['over an open connection', 'over a new connection'] as const) {
    test(`with the whole host, whose packets are lost, costs a request ${how} less than 50 ms`, async () => {
      await using cache = await startUpstream({ tls: true });
      playLarder(cache);
      await using host = await startHostOfCache(cache.url);
      const document = { revision: '1', ca: cache.caPem, caches: [cacheEntry(host.url)] };
      await using setting = await startAgent(document);
      cache.push('app', image, 'v1');
      await waitFor(() => setting.agent.status()?.upstreams[0]?.state === 'Ready', { limitMs: 30_000 });
      await waitFor(async () => (await setting.get(manifest)).status === 200);
      if (how === 'over a new connection') cache.hangUp();
      await host.goDark();
      const ms = await msUntilRefusal(setting);
      assert.ok(ms < SOON_MS, `${ms} ms, expected less than ${SOON_MS}`);
    });
  }

  test('does not include a cache whose connections all wait for its upstream', async () => {
    await using pair = await startPair({ tls: false, clock: machineClock });
    pair.cache.push('app', image, 'v1');
    assert.equal((await pair.get(manifest)).status, 200);
    const wait = pair.cache.faults.add({ match: { kind: 'manifest' }, hold: true });
    let refused = 0;
    const answers = Array.from({ length: 140 }, async () => {
      if ((await pair.get(manifest)).status !== 200) refused += 1;
    });
    await waitFor(() => wait.waiting + refused === 140, { what: 'no more connections' });
    const known = refused;
    assert.ok(known < 40, `${known} refused at first`);
    const [probes, begin] = [pair.cache.count({ kind: 'other' }), performance.now()];
    await waitFor(() => pair.cache.count({ kind: 'other' }) >= probes + 11, { what: 'more probes' });
    const ms = performance.now() - begin;
    // Waiting requests probe at most ten times a second together, and the first time at once.
    assert.ok(ms > 900, `ten probes in ${ms} ms`);
    assert.ok(pair.hasHosts());
    wait.remove();
    await Promise.all(answers);
    assert.equal(refused, known);
  });

  test('includes a cache whose answers keep breaking off, however well it answers probes', async () => {
    await using pair = await startPair();
    const big = imageOf({ layers: [1 << 20] });
    pair.cache.push('app', big, 'v1');
    pair.cache.faults.add({ match: { kind: 'blob' }, cutAfter: 1000 });
    const blob = `/v2/app/blobs/${big.layers[0]!.digest}`;
    await waitFor(async () => {
      const { status, complete } = await pair.get(blob, { body: 'hash' });
      assert.ok(status === 503 || !complete);
      return !pair.hasHosts();
    });
    await waitFor(() => pair.agent.status()?.upstreams[0]?.state === 'Down');
    assert.match(pair.agent.status()?.upstreams[0]?.message ?? '', /the cache closed the connection/);
  });

  test('does not include a cache with one unreadable answer: only that request goes elsewhere', async () => {
    await using pair = await startPair({ clock: machineClock });
    pair.cache.push('app', image, 'v1');
    const unreadable = pair.cache.faults.add({
      match: { kind: 'blob' },
      chunked: true,
      headers: { 'transfer-encoding': 'gzip, chunked' },
    });
    const blob = `/v2/app/blobs/${image.layers[0]!.digest}`;
    assert.equal((await pair.get(blob)).status, 503);
    await waitFor(async () => (await pair.get(manifest)).status === 200 && pair.hasHosts());
    const waiting = pair.cache.faults.add({ match: { kind: 'manifest' }, nth: 1, hold: true });
    const innocent = pair.get(manifest);
    await waiting.reached();
    const statuses: number[] = [];
    for (const _ of Array.from({ length: 8 }))
      statuses.push((await pair.get(blob)).status, (await pair.get(manifest)).status);
    assert.deepEqual(statuses, Array.from({ length: 8 }, () => [503, 200]).flat());
    assert.ok(pair.hasHosts());
    waiting.release();
    assert.equal((await innocent).status, 200);
    unreadable.remove();
  });

  test('is noticed by running answers even after the document names another', async () => {
    await using pair = await startPair();
    const big = imageOf({ layers: [16 << 20] });
    pair.cache.push('app', big, 'v1');
    const pause = pair.cache.faults.add({ match: { kind: 'blob' }, pauseAfter: 8 << 20 });
    const answer = pair.get(`/v2/app/blobs/${big.layers[0]!.digest}`, { body: 'hash' });
    await pause.reached();
    pair.writeDocument({ revision: '2', ca: pair.cache.caPem, caches: [cacheEntry(`${pair.cache.url}/`)] });
    await waitFor(() => pair.agent.status()?.revision === '2');
    pair.cache.faults.add({ hold: true });
    assert.equal((await answer).complete, false);
  });

  test('is not used at all while its certificate is not the operator’s', async () => {
    await using cache = await startUpstream({ tls: true });
    playLarder(cache);
    cache.breakTls('untrusted');
    await using setting = await startAgent({
      revision: '1',
      ca: cache.caPem,
      caches: [cacheEntry(cache.url)],
    });
    await waitFor(
      () =>
        /unable to verify|self-signed|certificate/.test(setting.agent.status()?.upstreams[0]?.message ?? ''),
      {
        limitMs: 15_000,
      },
    );
    assert.equal(setting.hasHosts(), false);
    assert.equal((await setting.get(manifest)).status, 503);
    cache.breakTls(undefined);
    await waitFor(() => setting.hasHosts());
  });

  test('or replaced by another server at its address is not used either', async () => {
    await using other = await startUpstream({ tls: true });
    await using setting = await startAgent({
      revision: '1',
      ca: other.caPem,
      caches: [cacheEntry(other.url)],
    });
    await waitFor(() => other.count({ kind: 'other' }) >= 2);
    assert.equal(setting.hasHosts(), false);
  });
});

describe('the document', { concurrency: true }, () => {
  test('is carried out again when the directory can be read again', async () => {
    await using pair = await startPair();
    const root = join(pair.files.path, 'certs.d');
    rmSync(root, { recursive: true });
    writeFileSync(root, '');
    const stateOf = () => pair.agent.status()?.upstreams[0];
    await waitFor(() => stateOf()?.state === 'Failed', { limitMs: 15_000 });
    assert.match(stateOf()?.message ?? '', /certs\.d.*ENOTDIR/);
    rmSync(root);
    await waitFor(() => pair.hasHosts() && stateOf()?.state === 'Ready', { limitMs: 15_000 });
  });

  test('is followed: caches and mirrors come and go, and with it everything that was written', async () => {
    await using pair = await startPair();
    const mirrors = [
      {
        upstream: 'quay.io',
        server: 'https://quay.io',
        hosts: [{ host: 'https://m.example', ca: 'own' }],
      },
    ];
    const bundles = { own: pair.cache.caPem };
    pair.writeDocument({
      revision: '2',
      ca: pair.cache.caPem,
      bundles,
      caches: [cacheEntry(pair.cache.url)],
      mirrors,
    });
    await waitFor(() => pair.hasHosts('quay.io'));
    assert.ok(pair.hasHosts());
    await waitFor(() => pair.agent.status()?.revision === '2');
    pair.writeDocument({ revision: 3 });
    pair.writeDocument({ revision: '4', bundles, mirrors });
    await waitFor(() => !pair.hasHosts() && pair.agent.status()?.revision === '4');
    assert.equal((await pair.get(manifest)).status, 404);
    pair.writeDocument({ revision: '5' });
    await waitFor(() => !pair.hasHosts('quay.io'));
  });

  test('with a foreign upstream is carried out without that, and the status says so; when the agent stops, files that lead to it are removed and all others stay', async () => {
    await using pair = await startPair();
    const foreign = pair.files.write('certs.d/quay.io/hosts.toml', 'server = "https://quay.io"\n');
    pair.writeDocument({
      revision: '2',
      ca: pair.cache.caPem,
      caches: [cacheEntry(pair.cache.url), cacheEntry(pair.cache.url, 'quay.io')],
      mirrors: [{ upstream: 'ghcr.io', server: 'https://ghcr.io', hosts: [{ host: 'https://m.example' }] }],
    });
    const isForeign = ({ upstream, state }: { upstream: string; state: string }): boolean =>
      upstream === 'quay.io' && state === 'Foreign';
    await waitFor(() => pair.agent.status()?.upstreams.some(isForeign) && pair.hasHosts('ghcr.io'));
    const ours = readFileSync(join(pair.files.path, 'certs.d', NAME, 'hosts.toml'), 'utf8');
    assert.match(ours, new RegExp(`\\[host\\."${pair.agent.relay.url}"\\]`));
    await pair.agent.stop();
    assert.deepEqual(readdirSync(join(pair.files.path, 'certs.d')).sort(), ['ghcr.io', 'quay.io']);
    assert.equal(readFileSync(foreign, 'utf8'), 'server = "https://quay.io"\n');
  });
});
