/** Stored content is checked, repaired and cleared up, by the running program and beside it. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  blobOf,
  get,
  imageOf,
  indexOf,
  pullImage,
  runLarder,
  startUpstream,
  tempDir,
  waitFor,
  type CommandResult,
  type GetOptions,
  type GetResult,
  type LarderProcess,
} from '../kit/index.ts';
import { flip } from '../store/flip.ts';
import { blobPath } from '../store/paths.ts';
import { blobUrl, configOf, manifestUrl, MiB, startCache } from './setting.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** Turns one bit round in the middle, as a disk does: size and times stay. */
function rot(store: string, digest: string): void {
  const path = blobPath(store, digest);
  flip(path, statSync(path).size >> 1);
}

function post(
  larder: LarderProcess,
  path: string,
  body: object,
  options: GetOptions = {},
): Promise<GetResult> {
  return get(`${larder.admin}/api/v1/${path}`, {
    method: 'POST',
    send: JSON.stringify(body),
    ...options,
    headers: { ...JSON_TYPE, ...options.headers },
  });
}

function eventsOf(answer: GetResult): Record<string, unknown>[] {
  return answer
    .text()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A command that reads the store itself, or asks `larder` when it has it. */
function command(args: readonly string[], store: string, larder?: LarderProcess): Promise<CommandResult> {
  const where = larder === undefined ? ['--store', store] : ['--admin', larder.admin];
  return runLarder([...args, ...where]);
}

async function scrubOf(larder: LarderProcess): Promise<Record<string, number>> {
  const { scrub } = (await get(`${larder.admin}/api/v1/stats`)).json() as { scrub: Record<string, number> };
  return scrub;
}

test('the scrub finds what rots while nobody asks, takes it out of service, and the next pull fetches it anew', async () => {
  const image = imageOf({ layers: [2 * MiB, 100_000] });
  const layer = image.layers[0]?.digest ?? '';
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  await using larder = await startCache(upstream, { flags: ['--scrub-rate', '1G'] });
  await pullImage(larder.registry, 'team/app', 'v1');
  rot(larder.store, layer);
  await waitFor(async () => (await larder.metric('larder_scrub_damaged_total')) === 1, {
    limitMs: 30_000,
    everyMs: 100,
  });
  assert.equal(await larder.metric('larder_corrupt_blobs_total', { action: 'quarantined' }), 1);
  const before = upstream.count();
  await pullImage(larder.registry, 'team/app', 'v1');
  assert.equal(upstream.count() - before, 1, 'the damaged layer alone');
});

test('a restart goes on with the scrub where it was', async () => {
  using stores = tempDir();
  const store = join(stores.path, 'store');
  await using upstream = await startUpstream();
  const blobs = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => blobOf(MiB, seed));
  for (const blob of blobs) upstream.push('team/app', blob);
  {
    await using larder = await startCache(upstream, { store, flags: ['--scrub-rate', '0'] });
    for (const blob of blobs) assert.equal((await get(blobUrl(larder, 'team/app', blob))).status, 200);
    assert.equal(((await get(`${larder.admin}/api/v1/stats`)).json() as { scrub: unknown }).scrub, null);
  }
  let first: Record<string, number>;
  {
    await using larder = await startCache(upstream, { store, flags: ['--scrub-rate', '2Mi'] });
    first = await waitFor(async () => {
      const scrub = await scrubOf(larder);
      return (scrub['checkedObjects'] ?? 0) >= 3 && scrub;
    });
    assert.equal(first['totalBytes'], 8 * MiB);
    assert.deepEqual(await larder.stop(), { code: 0, signal: null });
  }
  const last =
    blobs
      .map(({ digest }) => digest)
      .sort()
      .at(-1) ?? '';
  rot(store, last);
  await using larder = await startCache(upstream, { store, flags: ['--scrub-rate', '1G'] });
  const second = await waitFor(async () => {
    const scrub = await scrubOf(larder);
    return scrub['finishedAt'] !== null && scrub;
  });
  assert.equal(second['startedAt'], first['startedAt']);
  assert.equal(second['checkedObjects'], 8);
  assert.equal(second['damaged'], 1);
  const readHere = await larder.metric('larder_scrub_bytes_total');
  assert.ok(readHere <= 5 * MiB, `${readHere} bytes were read again`);
  assert.equal(await larder.metric('larder_scrub_progress_ratio'), 1);
  assert.ok((await larder.metric('larder_scrub_last_completion_timestamp_seconds')) > 1_700_000_000);
});

test('verify by the admin API finds damage, repairs it by one download that clients share, and says so line by line', async () => {
  const image = imageOf({ layers: [3 * MiB, 5000] });
  const layer = image.layers[0]?.digest ?? '';
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  await using larder = await startCache(upstream, { flags: ['--scrub-rate', '0'] });
  await pullImage(larder.registry, 'team/app', 'v1');
  rot(larder.store, layer);
  rot(larder.store, image.digest);
  const before = upstream.count();
  const answer = await post(larder, 'verify', { repair: true });
  assert.equal(answer.headers['content-type'], 'application/x-ndjson');
  const events = eventsOf(answer);
  const findings = events.filter(({ event }) => event === 'finding');
  assert.deepEqual(
    new Set(findings.map(({ digest, state }) => `${String(digest)} ${String(state)}`)),
    new Set([`${layer} repaired`, `${image.digest} repaired`]),
  );
  assert.deepEqual(findings[0]?.['repositories'], [`${upstream.host}/team/app`]);
  assert.deepEqual(events.at(-1), {
    event: 'result',
    checkedObjects: 4,
    checkedBytes: image.size + image.blobs.reduce((sum, { size }) => sum + size, 0),
    damaged: 2,
    repaired: 2,
    unreadable: 0,
    missing: 0,
  });
  assert.equal(upstream.count() - before, 2);
  assert.equal(await larder.metric('larder_corrupt_blobs_total', { action: 'repaired' }), 1);
  assert.equal(await larder.metric('larder_corrupt_blobs_total', { action: 'refetched' }), 1);
  const pulled = upstream.count();
  await pullImage(larder.registry, 'team/app', image.digest);
  assert.equal(upstream.count(), pulled, 'nothing was missing');
});

test('private content that Larder itself may not have is named with the reason, and left to the next pull', async () => {
  const image = imageOf();
  const layer = image.layers[0]?.digest ?? '';
  await using upstream = await startUpstream({ auth: 'basic', users: { alice: 'wonderland' } });
  upstream.push('team/secret', image, 'v1');
  upstream.setAccess('team/secret', { readers: ['alice'] });
  await using larder = await startCache(upstream, { flags: ['--scrub-rate', '0'] });
  const login = { user: 'alice', password: 'wonderland' };
  await pullImage(larder.registry, 'team/secret', 'v1', { login });
  rot(larder.store, layer);
  const { code, stdout } = await command(['verify', '--repair'], larder.store, larder);
  assert.equal(code, 1);
  assert.match(
    stdout,
    new RegExp(`^${layer} .*: damaged, out of service; could not be fetched again: .*login`, 'm'),
  );
  await pullImage(larder.registry, 'team/secret', 'v1', { login });
  assert.equal((await command(['verify'], larder.store, larder)).code, 0);
});

test('an image is checked with its parts as far as they are stored, by name and by digest', async () => {
  const amd64 = imageOf({ seed: 1 });
  const arm64 = imageOf({ seed: 2, platform: { os: 'linux', architecture: 'arm64' } });
  const index = indexOf([amd64, arm64]);
  const other = imageOf({ seed: 3 });
  await using upstream = await startUpstream();
  upstream.push('team/app', index, 'v1');
  upstream.push('team/other', other, 'v1');
  await using larder = await startCache(upstream, { flags: ['--scrub-rate', '0'] });
  await pullImage(larder.registry, 'team/app', 'v1');
  await pullImage(larder.registry, 'team/other', 'v1');
  const name = `${upstream.host}/team/app`;
  for (const image of [`${name}:v1`, `${name}@${index.digest}`, index.digest]) {
    const { code, stdout } = await command(['verify', image, '--output', 'json'], larder.store, larder);
    const { checkedObjects, missing } = JSON.parse(stdout) as Record<string, number>;
    assert.deepEqual([code, checkedObjects, missing], [0, 5, 1], image);
  }
  rot(larder.store, other.layers[0]?.digest ?? '');
  assert.equal(
    (await command(['verify', `${name}:v1`], larder.store, larder)).code,
    0,
    'others do not matter',
  );
  const bad = await command(['verify', `${upstream.host}/team/other:v1`], larder.store, larder);
  assert.equal(bad.code, 1);
  assert.match(
    bad.stdout,
    new RegExp(
      `^${other.layers[0]?.digest} \\(blob of .*/team/other, 2.0 kB\\): damaged, out of service$`,
      'm',
    ),
  );
  const absent = await command(['verify', `${upstream.host}/team/none:v1`], larder.store, larder);
  assert.deepEqual([absent.code, absent.stdout], [3, '']);
  assert.match(absent.stderr, /^larder: .*\/team\/none:v1 is not stored$/m);
});

test('a store that nobody has is read by the command itself; one in use by whoever has it, if it is that one', async () => {
  using stores = tempDir();
  const store = join(stores.path, 'store');
  const image = imageOf({ layers: [MiB, 7000] });
  const layer = image.layers[1]?.digest ?? '';
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  {
    await using larder = await startCache(upstream, { store, flags: ['--scrub-rate', '0'] });
    await pullImage(larder.registry, 'team/app', 'v1');
    const env = { LARDER_STORE: store };
    const here = await runLarder(['verify'], { env: { ...env, LARDER_ADMIN: larder.admin } });
    assert.equal(here.code, 0, here.stderr);
    assert.match(here.stderr, /larder serve at http/);
    assert.match(here.stdout, /^4 objects checked, 1.1 MB; all right$/m);
    // Nobody has said where: whoever answers at the default address is not asked unless it has this very store.
    const unsaid = await runLarder(['verify', '--store', store]);
    assert.equal(unsaid.code, 1);
    assert.match(unsaid.stderr, /^larder: the store .* is in use by another process, and .*\n {2}.*--admin/m);
    const nobody = await runLarder(['verify', '--store', store, '--admin', 'http://127.0.0.1:9']);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /^larder: nothing answers at http:\/\/127\.0\.0\.1:9: .*\n {2}.*--admin/m);
    assert.doesNotMatch(nobody.stderr, /^ {4}at /m);
  }
  rot(store, layer);
  const looked = await command(['verify'], store);
  assert.equal(looked.code, 1);
  assert.match(looked.stdout, new RegExp(`^${layer} .*: damaged, out of service$`, 'm'));
  assert.equal(existsSync(blobPath(store, layer)), true, 'most of it may be good');
  const found = await command(['verify', '--repair'], store);
  assert.equal(found.code, 1);
  assert.match(found.stdout, new RegExp(`^${layer} .*: damaged, out of service; .*no larder serve`, 'm'));
  assert.match(found.stdout, /^4 objects checked, .*; 1 damaged$/m);
  assert.match(
    found.stdout,
    /^no larder serve uses the store, so damaged files are in quarantine: the next pull fetches the damaged content again/m,
  );
  assert.equal(existsSync(blobPath(store, layer)), false);
  assert.equal((await command(['verify'], store)).code, 0, 'what is left is right');
  const none = await command(['verify'], join(stores.path, 'none'));
  assert.equal(none.code, 3);
  assert.equal(existsSync(join(stores.path, 'none')), false, 'and none is made');
  await using larder = await startCache(upstream, { store, flags: ['--scrub-rate', '0'] });
  const before = upstream.count();
  await pullImage(larder.registry, 'team/app', image.digest);
  assert.equal(upstream.count() - before, 1, 'the layer that was damaged');
});

test('gc removes what upstreams left behind that are not configured, and says before what that will be', async () => {
  using stores = tempDir();
  const store = join(stores.path, 'store');
  await using stays = await startUpstream();
  await using leaves = await startUpstream();
  const [kept, gone, shared] = [blobOf(100_000, 1), blobOf(200_000, 2), blobOf(300_000, 3)];
  for (const blob of [kept, shared]) stays.push('team/app', blob);
  for (const blob of [gone, shared]) leaves.push('team/app', blob);
  const caches = [stays, leaves].map(({ host, url }) => ({ upstream: host, remoteURL: url }));
  const config = { ...configOf(stays), caches };
  await using larder = await startCache(stays, { store, flags: ['--scrub-rate', '0'] });
  larder.writeConfig(config);
  await larder.event('config-applied');
  for (const [upstream, blob] of [
    [stays, kept],
    [stays, shared],
    [leaves, gone],
    [leaves, shared],
  ] as const) {
    const url = `${larder.registry}/v2/${upstream.host}/team/app/blobs/${blob.digest}`;
    assert.equal((await get(url)).status, 200);
  }
  const before = await command(['gc', '--dry-run'], store, larder);
  assert.deepEqual([before.code, before.stdout.split(';')[0]], [0, 'would remove nothing']);
  larder.writeConfig(configOf(stays));
  await waitFor(() => larder.logs.filter(({ event }) => event === 'config-applied').length === 2);
  const dry = await command(['gc', '--dry-run'], store, larder);
  assert.match(
    dry.stdout,
    new RegExp(`^unconfigured +200 kB +${gone.digest} +${leaves.host} +last used `, 'm'),
  );
  assert.match(
    dry.stdout,
    new RegExp(`^unconfigured +300 kB +${shared.digest} .* kept for other upstreams$`, 'm'),
  );
  assert.match(dry.stdout, /^would remove 1 object, 200 kB; the store has /m);
  assert.ok(existsSync(blobPath(store, gone.digest)));
  const done = await command(['gc', '--output', 'json'], store, larder);
  const { bytes, reasons } = JSON.parse(done.stdout) as { bytes: number; reasons: Record<string, unknown> };
  assert.deepEqual([bytes, reasons['unconfigured']], [200_000, { objects: 1, bytes: 200_000 }]);
  assert.equal(existsSync(blobPath(store, gone.digest)), false);
  assert.equal((await get(blobUrl(larder, 'team/app', shared))).headers['cache-status'], 'larder; hit');
  assert.equal(await larder.metric('larder_evictions_total', { reason: 'unconfigured' }), 2);
});

test('who may have things done: loopback without a page of another origin, anybody with the token', async () => {
  using files = tempDir();
  const file = files.write('token', 'first-token\n');
  await using upstream = await startUpstream();
  await using larder = await startCache(upstream, {
    flags: ['--scrub-rate', '0', '--admin-address', '0.0.0.0:0', '--admin-token-file', file],
  });
  const admin = larder.admin.replace('0.0.0.0', '127.0.0.1');
  const status = async (headers: Record<string, string> = {}, path = '/api/v1/gc'): Promise<number> =>
    (await get(`${admin}${path}`, { method: 'POST', send: '{}', headers: { ...JSON_TYPE, ...headers } }))
      .status;
  assert.equal(await status(), 401);
  assert.equal(await status({ authorization: 'Bearer other' }), 401);
  assert.equal(await status({ authorization: 'Bearer first-token' }), 200);
  assert.equal(await status({ authorization: 'Bearer first-token', origin: 'http://evil.example' }), 403);
  files.write('token', 'second-token\n');
  await larder.event('admin-token-applied');
  assert.equal(await status({ authorization: 'Bearer first-token' }), 401);
  assert.equal(await status({ authorization: 'Bearer second-token' }), 200);
  assert.equal((await get(`${admin}/healthz`)).status, 200, 'reading needs none');
  const withFile = await runLarder(['gc', '--admin', admin, '--admin-token-file', file]);
  assert.equal(withFile.code, 0, withFile.stderr);
  const without = await runLarder(['gc', '--admin', admin]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^larder: the admin token is needed.*\n.*--admin-token-file/m);

  await using local = await startCache(upstream, { flags: ['--scrub-rate', '0'] });
  const call = async (headers: Record<string, string>, send = '{}'): Promise<[number, unknown]> => {
    const answer = await get(`${local.admin}/api/v1/gc`, { method: 'POST', send, headers });
    const text = answer.text();
    return [answer.status, answer.status === 200 ? 'done' : (JSON.parse(text) as { code: string }).code];
  };
  const { host } = new URL(local.admin);
  assert.deepEqual(await call(JSON_TYPE), [200, 'done']);
  assert.deepEqual(await call({ ...JSON_TYPE, origin: `http://${host}` }), [200, 'done']);
  assert.deepEqual(await call({ ...JSON_TYPE, host: 'rebound.example' }), [403, 'ADMIN_FORBIDDEN']);
  assert.deepEqual(await call({ ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }), [403, 'ADMIN_FORBIDDEN']);
  assert.deepEqual(await call({ 'content-type': 'text/plain' }), [400, 'REQUEST_INVALID']);
  assert.deepEqual(await call({ ...JSON_TYPE, authorization: 'Bearer guess' }), [
    401,
    'ADMIN_TOKEN_REQUIRED',
  ]);
  assert.deepEqual(await call(JSON_TYPE, `{"dryRun":${' '.repeat(20_000)}true}`), [400, 'REQUEST_INVALID']);
  assert.deepEqual(await call(JSON_TYPE, '{"dryRun":"yes","more":1}'), [400, 'REQUEST_INVALID']);
  const wrong = await post(local, 'verify', { rate: -1, image: '' });
  assert.match(JSON.stringify(wrong.json()), /"path":"rate".*|"path":"image"/);
  assert.equal((await get(`${local.admin}/api/v1/gc`)).status, 405);
});

test('a verify ends with its client, and there is one at a time', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(4 * MiB, 1);
  upstream.push('team/app', blob);
  await using larder = await startCache(upstream, { flags: ['--scrub-rate', '0'] });
  await get(blobUrl(larder, 'team/app', blob));
  const client = new AbortController();
  const first = post(larder, 'verify', { rate: '100k' }, { signal: client.signal });
  const second = await waitFor(async () => {
    const answer = await post(larder, 'verify', { rate: '1G' });
    return answer.status === 409 && answer;
  });
  assert.equal((second.json() as { code: string }).code, 'MAINTENANCE_RUNNING');
  client.abort();
  assert.equal((await first).complete, false);
  await waitFor(async () => (await post(larder, 'verify', {})).status === 200);
  const stopping = post(larder, 'verify', { rate: '100k' });
  await waitFor(async () => (await post(larder, 'verify', {})).status === 409);
  assert.deepEqual(await larder.stop(), { code: 0, signal: null });
  assert.equal((await stopping).complete, false);
  assert.equal(await get(manifestUrl(larder, 'x', 'y')).catch(() => undefined), undefined);
});
