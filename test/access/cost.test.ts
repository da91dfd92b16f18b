/**
 * Cost of proofs at the upstream, the credential that pays for a body, and isolation of one caller's failures from
 * another's.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  basic,
  get,
  head,
  imageOf,
  measureMachine,
  startLarder,
  startUpstream,
  waitFor,
  type LarderProcess,
  type Login,
  type TestBlob,
  type TestImage,
  type Upstream,
} from '../kit/index.ts';
import {
  baseUrl,
  blobUrl,
  cacheStatus,
  configWith,
  manifestUrl,
  MiB,
  startCache,
} from '../faults/setting.ts';
import { newBlob, newImage, shareLarder } from '../faults/shared-larder.ts';
import { ALICE, askedFor, authorized, BOB, CAROL, headerOf, USERS } from './setting.ts';

const IMAGE = imageOf({ layers: [3000, 4000] });
const LAYER = IMAGE.layers[0] as (typeof IMAGE.layers)[number];
const shared = shareLarder();
const SCHEMES = ['bearer', 'basic'] as const;

for (const auth of SCHEMES) {
  shared.test(
    `a warm pull from a private repository of a ${auth} upstream costs it two HEADs at most, and no GET`,
    async ({ upstream, larder, pull }) => {
      furnish(upstream, [ALICE, CAROL]);
      const pulled = async (login: Login): Promise<string[]> => {
        upstream.reset();
        await pull('team/app', 'v1', { login, freshAuthorizer: true });
        return askedFor(upstream);
      };
      await pulled(CAROL);
      const proofs = auth === 'bearer' ? ['HEAD manifest', 'HEAD manifest'] : ['HEAD manifest'];
      assert.deepEqual(await pulled(ALICE), proofs, 'one for each credential: two tokens, or one login');
      assert.deepEqual(await pulled(ALICE), auth === 'bearer' ? proofs : [], 'and none while it is proven');
      assert.equal(await larder.metric('larder_fills_in_progress'), 0);
    },
    { upstream: { auth, users: USERS } },
  );
}

shared.test(
  'a warm pull from a public repository costs the upstream nothing within tagTTL, with a login or without',
  async ({ upstream, pull }) => {
    upstream.push('team/app', newImage({ layers: [3000, 4000] }), 'v1');
    await pull('team/app', 'v1');
    upstream.reset();
    for (const login of [undefined, ALICE]) {
      await pull('team/app', 'v1', { freshAuthorizer: true, ...(login && { login }) });
    }
    assert.equal(upstream.count(), 0, 'not even a token');
  },
  { upstream: { auth: 'bearer', users: USERS } },
);

suite('one body for many credentials', () => {
  shared.test(
    '50 callers, each with a credential of its own, on a cold layer of 8 MiB: one GET, its bytes once',
    async ({ upstream, larder }) => {
      const layer = newBlob(8 * MiB);
      const logins = Array.from({ length: 50 }, (_, number) => ({
        user: `user-${number}`,
        password: `password-of-${number}`,
      }));
      furnish(upstream, logins);
      upstream.push('team/app', layer);
      const headers = await Promise.all(logins.map((login) => headerOf(upstream, login, 'team/app')));
      upstream.reset();
      const answers = await Promise.all(
        headers.map((header) =>
          get(blobUrl(larder, 'team/app', layer), { ...authorized(header), body: { expect: layer } }),
        ),
      );
      for (const answer of answers) {
        assert.deepEqual(
          [answer.status, answer.complete, answer.matches, answer.bytes],
          [200, true, true, layer.size],
        );
      }
      assert.equal(upstream.count({ method: 'GET', kind: 'blob' }), 1);
      assert.equal(upstream.bodyBytes({ kind: 'blob' }), layer.size);
      assert.ok(upstream.count({ method: 'HEAD', kind: 'blob' }) <= 50);
      assert.equal(await larder.metric('larder_fills_in_progress'), 0);
    },
    { upstream: { auth: 'bearer', users: USERS } },
  );

  for (const auth of SCHEMES) {
    shared.test(
      `when the credential that pays is revoked in the middle, a follower's pays for the rest (${auth})`,
      async ({ upstream, larder }) => {
        const layer = newBlob(8 * MiB);
        furnish(upstream, [ALICE, BOB]);
        upstream.push('team/app', layer);
        const alice = authorized(await headerOf(upstream, ALICE, 'team/app'));
        const bob = authorized(await headerOf(upstream, BOB, 'team/app'));
        const url = blobUrl(larder, 'team/app', layer);
        const cut = { pauseAfter: 2 * MiB, cutAfter: 2 * MiB };
        using fault = upstream.faults.add({ match: { kind: 'blob', method: 'GET' }, nth: 1, ...cut });
        const leader = get(url, { ...alice, body: { expect: layer } });
        await fault.reached();
        let received = 0;
        const follower = get(url, {
          ...bob,
          body: { expect: layer },
          onBytes: (bytes) => (received = bytes),
        });
        await waitFor(() => received > 0, { what: 'the follower to read what is here' });
        upstream.users.set(ALICE.user, 'not-hers-any-more-6');
        upstream.tokens.revoke(ALICE.user);
        fault.release();
        const { complete, matches, bytes } = await follower;
        assert.deepEqual([complete, matches, bytes], [true, true, layer.size]);
        assert.notEqual((await leader).matches, false);
        assert.equal(upstream.bodyBytes({ kind: 'blob', status: [200, 206] }), layer.size);
        assert.equal(upstream.count({ method: 'GET', kind: 'blob', user: BOB.user, status: 206 }), 1);
      },
      { upstream: { auth, users: USERS } },
    );
  }

  shared.test(
    'a caller refused at the beginning stays refused, although a follower opens the body',
    async ({ upstream, larder }) => {
      const image = furnish(upstream, [ALICE]);
      const layer = image.layers[0] as TestBlob;
      const bob = authorized(await headerOf(upstream, BOB, 'team/app'));
      const alice = authorized(await headerOf(upstream, ALICE, 'team/app'));
      const url = blobUrl(larder, 'team/app', layer);
      using held = upstream.faults.add({ match: { user: BOB.user, kind: 'blob' }, hold: true });
      const refused = get(url, bob);
      await held.reached();
      const served = get(url, alice);
      await waitFor(() => upstream.count({ user: ALICE.user, kind: 'blob' }) > 0);
      held.release();
      assert.deepEqual([(await refused).status, (await served).status], [401, 200]);
      assert.equal((await served).digest, layer.digest);
      assert.equal(upstream.count({ method: 'GET', kind: 'blob', status: 200 }), 1);
      for (const send of [get, head])
        assert.equal((await send(url, bob)).status, 401, 'also now that it is here');
    },
    { upstream: { auth: 'bearer', users: USERS } },
  );
});

test('a refused Basic login gets 403, which no client repeats, and costs at most one request each time; the ping says 401', async () => {
  await using upstream = await privateUpstream('basic', [ALICE]);
  await using larder = await startCache(upstream);
  const wrong = authorized(basic(ALICE.user, 'not-her-password'));
  const urls = [manifestUrl(larder, 'team/app', 'v1'), blobUrl(larder, 'team/app', LAYER)];
  for (const url of [...urls, ...urls, ...urls]) {
    upstream.reset();
    const answer = await get(url, wrong);
    assert.equal(answer.status, 403);
    assert.equal(answer.headers['www-authenticate'], undefined);
    assert.ok(upstream.count() <= 1);
  }
  const ping = await get(`${larder.registry}/v2/`, wrong);
  assert.equal(ping.status, 401);
  assert.match(String(ping.headers['www-authenticate']), /^Basic /);
});

shared.test(
  'a rate limit of one account is its own: others, and those without one, are served',
  async ({ upstream, larder }) => {
    const image = furnish(upstream, [ALICE, BOB]);
    const layer = image.layers[0] as TestBlob;
    upstream.push('team/public', image, 'v1');
    const alice = authorized(await headerOf(upstream, ALICE, 'team/app'));
    const bob = authorized(await headerOf(upstream, BOB, 'team/app'));
    upstream.faults.add({ match: { user: ALICE.user }, status: 429, retryAfter: 30 });
    for (const path of ['manifests/v1', `blobs/${layer.digest}`, `manifests/${image.digest}`]) {
      const url = `${baseUrl(larder)}/team/app/${path}`;
      const limited = await get(url, alice);
      assert.equal(limited.status, 429);
      assert.ok(Number(limited.headers['retry-after']) > 0);
      assert.equal((await get(url, bob)).status, 200);
      assert.equal((await get(url, alice)).status, 429, 'also now that it is here');
      assert.equal((await get(url.replace('team/app', 'team/public'))).status, 200);
    }
  },
  { upstream: { auth: 'bearer', users: USERS } },
);

shared.test(
  'Cache-Status shows whether a proof was asked for or still lived',
  async ({ upstream, larder, pull }) => {
    const image = furnish(upstream, [ALICE, CAROL]);
    const layer = image.layers[0] as TestBlob;
    await pull('team/app', 'v1', { login: CAROL });
    for (const url of [blobUrl(larder, 'team/app', layer), manifestUrl(larder, 'team/app', image.digest)]) {
      for (const send of [get, head]) {
        const alice = authorized(await headerOf(upstream, ALICE, 'team/app'));
        assert.deepEqual(cacheStatus(await send(url, alice)), ['larder', 'fwd=request', 'fwd-status=200']);
        assert.deepEqual(cacheStatus(await send(url, alice)), ['larder', 'hit']);
      }
    }
  },
  { upstream: { auth: 'bearer', users: USERS } },
);

test('every decision is counted by its kind, and the series of each kind exists from the start', async () => {
  await using upstream = await privateUpstream('bearer', [ALICE, CAROL]);
  upstream.push('team/public', IMAGE, 'v1');
  await using configured = await privateUpstream('basic', [ALICE]);
  const caches = [
    {
      upstream: upstream.host,
      remoteURL: upstream.url,
      authentication: { proofLifetime: `${(await measureMachine()).limit(4000)}ms` },
    },
    { upstream: configured.host, remoteURL: configured.url, secretReferenceName: 'login' },
  ];
  const secrets = { login: { username: ALICE.user, password: ALICE.password } };
  await using larder = await startLarder({ config: configWith(caches), secrets });
  const base = `${larder.registry}/v2/${upstream.host}`;
  const [secret, open] = ['app', 'public'].map((name) => `${base}/team/${name}/blobs/${LAYER.digest}`) as [
    string,
    string,
  ];
  assert.deepEqual(await decisions(larder), Object.fromEntries(KINDS.map((kind) => [kind, 0])));

  const alice = authorized(await headerOf(upstream, ALICE, 'team/app'));
  const bob = authorized(await headerOf(upstream, BOB, 'team/app'));
  const steps: readonly (readonly [Kind, () => Promise<{ status: number }>, number])[] = [
    ['proven', () => get(secret, alice), 200],
    ['granted', () => get(secret, alice), 200],
    ['refused', () => get(secret, bob), 401],
    ['refused', () => get(secret), 401],
    ['challenged', () => get(secret), 401],
    ['proven', () => get(open), 200],
    ['public', () => get(open), 200],
    ['shared', () => get(`${larder.registry}/v2/${configured.host}/team/app/blobs/${LAYER.digest}`), 200],
  ];
  for (const [kind, ask, status] of steps) {
    const before = await decisions(larder);
    assert.equal((await ask()).status, status, kind);
    assert.deepEqual(await decisions(larder), { ...before, [kind]: (before[kind] ?? 0) + 1 });
  }

  await upstream.refuse();
  await waitFor(async () => {
    assert.equal((await get(open)).status, 200);
    return ((await decisions(larder)).outage ?? 0) > 0;
  });
});

const KINDS = ['public', 'granted', 'proven', 'refused', 'challenged', 'outage', 'shared'] as const;
type Kind = (typeof KINDS)[number];

async function decisions(larder: LarderProcess): Promise<Partial<Record<Kind, number>>> {
  const { series } = await larder.metrics();
  const counted = series.filter(({ name }) => name === 'larder_access_decisions_total');
  return Object.fromEntries(counted.map(({ labels, value }) => [labels['decision'], value]));
}

/** An upstream with `team/app`, tagged `v1`, for these readers. The usual accounts are there as well. */
async function privateUpstream(auth: 'bearer' | 'basic', readers: readonly Login[]): Promise<Upstream> {
  const upstream = await startUpstream({ auth, users: USERS });
  furnish(upstream, readers, IMAGE);
  return upstream;
}

/** Gives the upstream these readers, and an image for them in `team/app`, tagged `v1`. */
function furnish(
  upstream: Upstream,
  readers: readonly Login[],
  image = newImage({ layers: [3000, 4000] }),
): TestImage {
  for (const { user, password } of readers) upstream.users.set(user, password);
  upstream.push('team/app', image, 'v1');
  upstream.setAccess('team/app', { readers: readers.map(({ user }) => user) });
  return image;
}
