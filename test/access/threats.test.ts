/** The threats of decision 0005, each as the attack it describes. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  blobFrom,
  blobOf,
  createTestPki,
  get,
  head,
  imageOf,
  indexOf,
  startLarder,
  startUpstream,
  waitFor,
  type GetResult,
  type LarderProcess,
  type RequestFilter,
  type TestBlob,
} from '../kit/index.ts';
import { baseUrl, blobUrl, configWith, manifestUrl } from '../faults/setting.ts';
import { shareLarder } from '../faults/shared-larder.ts';
import { ALICE, askedFor, authorized, BOB, headerOf, USERS } from './setting.ts';
import { teamsBehind, type Cost, type Teams } from './teams.ts';

const RANGE = { range: 'bytes=10-99' };

const shared = shareLarder();

/** A test with teams of its own behind the shared process. */
function testTeams(title: string, work: (teams: Teams) => Promise<void>, cache: object = {}): void {
  const open = teamsBehind(shared, {}, cache);
  test(title, async () => work(await open()));
}

testTeams(
  "T1: rights on one repository give nothing of another one's content, although it is cached",
  async (teams) => {
    const { upstream, larder } = teams;
    const bob = await teams.headerOf(BOB, 'team/bob');
    const alice = await teams.headerOf(ALICE, 'team/alice');
    await teams.bring('team/bob', teams.bobs, bob);
    await teams.bring('team/alice', teams.alices, alice);
    for (const path of [`blobs/${teams.bobs.layers[0]?.digest}`, `manifests/${teams.bobs.digest}`]) {
      for (const answer of await everyWay(`${baseUrl(larder)}/team/alice/${path}`, alice)) {
        assert.equal(answer.status, 404, path);
      }
      assert.ok(
        upstream.count({ repository: 'team/alice', where: ({ path: asked }) => asked.endsWith(path) }) > 0,
      );
    }

    // The upstream confirms that this repository has it too: then the bytes are shared, for the price of a HEAD.
    upstream.push('team/alice', teams.bobs.layers[0] as TestBlob);
    const fresh = authorized(await teams.headerOf(ALICE, 'team/alice'));
    const shared = await get(blobUrl(larder, 'team/alice', teams.bobs.layers[0] as TestBlob), fresh);
    assert.equal(shared.digest, teams.bobs.layers[0]?.digest);
    assert.deepEqual(askedFor(upstream), ['HEAD blob']);
  },
);

testTeams('T1: nor does an outage, in which a formerly public repository counts as public', async (teams) => {
  const { upstream, larder } = teams;
  const open = imageOf({ seed: 77 });
  upstream.push('team/open', open, 'v1');
  assert.equal((await get(manifestUrl(larder, 'team/open', 'v1'))).status, 200);
  await teams.bring('team/bob', teams.bobs, await teams.headerOf(BOB, 'team/bob'));
  await upstream.refuse();
  assert.equal((await get(manifestUrl(larder, 'team/open', open.digest))).status, 200);
  for (const path of [`blobs/${teams.bobs.layers[0]?.digest}`, `manifests/${teams.bobs.digest}`]) {
    for (const answer of await everyWay(`${baseUrl(larder)}/team/open/${path}`, undefined)) {
      assert.ok(answer.status >= 500, `${path}: ${answer.status}`);
    }
  }
});

testTeams('T1: a 404 to a caller that may not know of the content proves nothing', async (teams) => {
  const { upstream, larder } = teams;
  await teams.bring('team/alice', teams.alices, await teams.headerOf(ALICE, 'team/alice'));
  const bob = await teams.headerOf(BOB, 'team/alice');
  upstream.faults.add({ match: { repository: 'team/alice', user: BOB.user }, status: 404 });
  for (const url of [
    blobUrl(larder, 'team/alice', blobFrom('nowhere')),
    manifestUrl(larder, 'team/alice', 'v2'),
    ...teams.urlsOf('team/alice', teams.alices),
  ]) {
    for (const { status } of await everyWay(url, bob)) assert.equal(status, 404, url);
  }
});

test('T2: an upstream that claims a digest of another one has to send its bytes', async () => {
  const image = imageOf({ layers: [4000, 5000] });
  await using victim = await startUpstream({ auth: 'basic', users: USERS });
  victim.push('team/alice', image, 'v1');
  victim.setAccess('team/alice', { readers: ['alice'] });
  await using evil = await startUpstream();
  const layer = image.layers[0] as TestBlob;
  evil.push('mine/app', image, 'v1');
  evil.faults.add({
    match: { kind: 'blob', reference: layer.digest, method: 'GET' },
    body: { text: 'x'.repeat(layer.size), contentType: 'application/octet-stream' },
  });
  const caches = [victim, evil].map(({ host, url }) => ({ upstream: host, remoteURL: url }));
  await using larder = await startLarder({ config: configWith(caches) });
  const alice = await headerOf(victim, ALICE, 'team/alice');
  const own = await get(
    `${larder.registry}/v2/${victim.host}/team/alice/blobs/${layer.digest}`,
    authorized(alice),
  );
  assert.equal(own.digest, layer.digest);

  const url = `${larder.registry}/v2/${evil.host}/mine/app/blobs/${layer.digest}`;
  await get(`${larder.registry}/v2/${evil.host}/mine/app/manifests/v1`);
  for (const headers of [{}, RANGE, authorized(alice).headers]) {
    for (const method of ['HEAD', 'GET']) {
      const answer = await get(url, { method, headers });
      const from = RANGE === headers ? 10 : 0;
      const isVictims = method === 'GET' && answer.bytes > 0 && layer.matches(answer.body, from);
      assert.equal(isVictims, false, 'the bytes came from the other upstream');
      if (method === 'GET' && answer.status === 200) assert.equal(answer.complete, false);
    }
  }
  assert.ok(evil.count({ kind: 'blob', method: 'GET' }) > 0, 'it was asked for the body');
  assert.equal(victim.count({ repository: 'mine/app' }), 0);
});

testTeams(
  'T3: a blob that a manifest names and its repository lacks is not given, not even its HEAD',
  async (teams) => {
    const { upstream, larder } = teams;
    const bob = await teams.headerOf(BOB, 'team/bob');
    await teams.bring('team/bob', teams.bobs, bob);
    const layer = teams.bobs.layers[0] as TestBlob;
    const claims = imageOf({ seed: 3, layers: [layer] });
    const index = indexOf([teams.bobs, claims]);
    upstream.push('team/alice', index, 'claims');
    for (const digest of [layer.digest, teams.bobs.digest, teams.bobs.blobs[0]?.digest])
      upstream.delete('team/alice', digest);
    const alice = await teams.headerOf(ALICE, 'team/alice');
    for (const reference of ['claims', index.digest, claims.digest]) {
      assert.equal((await get(manifestUrl(larder, 'team/alice', reference), authorized(alice))).status, 200);
    }
    for (const path of [`blobs/${layer.digest}`, `manifests/${teams.bobs.digest}`]) {
      for (const answer of await everyWay(`${baseUrl(larder)}/team/alice/${path}`, alice)) {
        assert.equal(answer.status, 404, path);
      }
    }
  },
);

testTeams(
  'T4: a token that grants less than was asked for proves nothing, although the token server answered 200',
  async (teams) => {
    const { upstream } = teams;
    await teams.bring('team/alice', teams.alices, await teams.headerOf(ALICE, 'team/alice'));
    const less = await teams.headerOf(BOB, 'team/alice');
    assert.equal(upstream.tokens.valid(less.replace('Bearer ', ''))?.scopes.size, 0);
    const elsewhere = await teams.headerOf(BOB, 'team/bob');
    await teams.bring('team/bob', teams.bobs, elsewhere);
    for (const header of [less, elsewhere]) {
      for (const url of teams.urlsOf('team/alice', teams.alices)) {
        for (const answer of await everyWay(url, header)) assert.equal(answer.status, 401, url);
      }
    }
  },
);

suite('T5: a credential that was revoked', () => {
  testTeams(
    'is refused once its proof has ended',
    async (teams) => {
      const { upstream, larder } = teams;
      const alice = await teams.headerOf(ALICE, 'team/alice');
      await teams.bring('team/alice', teams.alices, alice);
      upstream.tokens.revoke('alice');
      for (const url of teams.urlsOf('team/alice', teams.alices)) {
        await waitFor(async () => (await get(url, authorized(alice))).status === 401, {
          limitMs: 4000,
          everyMs: 50,
        });
      }
      assert.equal(
        (await head(blobUrl(larder, 'team/alice', teams.alices.layers[0] as TestBlob), authorized(alice)))
          .status,
        401,
      );
    },
    { authentication: { proofLifetime: '1s' } },
  );

  testTeams('is refused at once after any refusal of the upstream', async (teams) => {
    const { upstream, larder } = teams;
    const alice = await teams.headerOf(ALICE, 'team/alice');
    await teams.bring('team/alice', teams.alices, alice);
    const later = blobOf(6000, 99);
    upstream.push('team/alice', later);
    upstream.tokens.revoke('alice');
    upstream.reset();
    const layer = blobUrl(larder, 'team/alice', teams.alices.layers[0] as TestBlob);
    assert.equal((await get(layer, authorized(alice))).status, 200, 'within its proof');
    assert.equal(upstream.count(), 0);
    assert.equal((await get(blobUrl(larder, 'team/alice', later), authorized(alice))).status, 401);
    for (const url of teams.urlsOf('team/alice', teams.alices)) {
      assert.equal((await get(url, authorized(alice))).status, 401, url);
    }
  });
});

testTeams(
  'T6: the same token is the same caller, and another token of the same user needs a proof of its own',
  async (teams) => {
    const { upstream, larder } = teams;
    const token = await teams.headerOf(ALICE, 'team/alice');
    const other = await teams.headerOf(ALICE, 'team/alice');
    assert.notEqual(token, other);
    await teams.bring('team/alice', teams.alices, token);
    upstream.reset();
    const url = blobUrl(larder, 'team/alice', teams.alices.layers[0] as TestBlob);
    assert.equal((await get(url, authorized(token))).status, 200);
    assert.deepEqual(askedFor(upstream), []);
    assert.equal((await get(url, authorized(other))).status, 200);
    assert.deepEqual(askedFor(upstream), ['HEAD blob']);
  },
);

testTeams(
  'T7: tags, tag lists, referrers, 404s and running answers are those of the caller that asks',
  async (teams) => {
    const { upstream, larder } = teams;
    upstream.push('virtual', teams.alices, 'v1', 'for-all');
    upstream.push('virtual', teams.bobs);
    upstream.setAccess('virtual', { readers: ['alice', 'bob'] });
    const bobs: RequestFilter = { repository: 'virtual', user: 'bob' };
    const shows = (text: string, contentType: string) => ({ body: { text, contentType } });
    upstream.faults.add({
      match: { ...bobs, reference: 'v1' },
      ...shows(teams.bobs.bytes.toString(), teams.bobs.mediaType),
      headers: { 'docker-content-digest': teams.bobs.digest },
    });
    upstream.faults.add({
      match: { ...bobs, kind: 'tags' },
      ...shows('{"name":"virtual","tags":[]}', 'application/json'),
    });
    upstream.faults.add({ match: { ...bobs, kind: 'referrers' }, status: 404 });
    upstream.faults.add({ match: { ...bobs, reference: 'for-all' }, status: 404 });
    const alice = await teams.headerOf(ALICE, 'virtual');
    const bob = await teams.headerOf(BOB, 'virtual');

    const base = `${baseUrl(larder)}/virtual`;
    const ask = (header: string, path: string): Promise<GetResult> =>
      get(`${base}/${path}`, authorized(header));
    for (let round = 1; round <= 2; round += 1) {
      for (const [header, image] of [
        [alice, teams.alices],
        [bob, teams.bobs],
      ] as const) {
        assert.equal((await ask(header, 'manifests/v1')).digest, image.digest);
        const { headers } = await head(`${base}/manifests/v1`, authorized(header));
        assert.equal(headers['docker-content-digest'], image.digest);
      }
      assert.deepEqual((await ask(bob, 'tags/list')).json(), { name: 'virtual', tags: [] });
      assert.deepEqual((await ask(alice, 'tags/list')).json(), { name: 'virtual', tags: ['for-all', 'v1'] });
      assert.equal((await ask(bob, `referrers/${teams.alices.digest}`)).status, 404);
      assert.equal((await ask(alice, `referrers/${teams.alices.digest}`)).status, 200);
      assert.equal((await ask(bob, 'manifests/for-all')).status, 404);
      assert.equal((await ask(alice, 'manifests/for-all')).status, 200);
    }

    upstream.push('virtual', teams.alices, 'v2');
    upstream.faults.add({ match: { ...bobs, reference: 'v2' }, status: 404 });
    using held = upstream.faults.add({ match: { reference: 'v2' }, hold: true });
    const both = Promise.all([ask(alice, 'manifests/v2'), ask(bob, 'manifests/v2')]);
    await held.reached(2);
    held.release();
    const [hers, his] = await both;
    assert.deepEqual([hers.digest, his.status], [teams.alices.digest, 404]);
  },
);

suite('T8: cached and absent content look the same to a caller without a proof', () => {
  testTeams(
    'a refused caller causes one question, for content that is cached, absent, or does not exist',
    async (teams) => {
      await teams.bring('team/alice', teams.alices, await teams.headerOf(ALICE, 'team/alice'));
      const [cached, uncached, unknown] = threeOf(teams);
      const bob = await teams.headerOf(BOB, 'team/alice');
      for (const method of ['GET', 'HEAD'] as const) {
        const seen: Cost[] = [];
        for (const path of [
          ...[cached, uncached, unknown].map((digest) => `blobs/${digest}`),
          ...[teams.alices.digest, uncached, unknown].map((digest) => `manifests/${digest}`),
          `blobs/${teams.alices.digest}`,
        ]) {
          seen.push(await teams.observe(method, `team/alice/${path}`, authorized(bob).headers));
        }
        assert.deepEqual(
          seen,
          seen.map(() => ({ status: 401, asked: 1 })),
          method,
        );
      }
    },
  );

  testTeams(
    'a caller that may read another repository causes one question there, also for a manifest under /blobs/',
    async (teams) => {
      await teams.bring('team/alice', teams.alices, await teams.headerOf(ALICE, 'team/alice'));
      const [cached, uncached, unknown] = threeOf(teams);
      const digests = [cached, uncached, unknown, teams.alices.digest];
      for (const method of ['GET', 'HEAD'] as const) {
        for (const kind of ['blobs', 'manifests']) {
          for (const digest of digests) {
            const bob = await teams.headerOf(BOB, 'team/bob');
            const path = `team/bob/${kind}/${digest}`;
            const found = await teams.observe(method, path, authorized(bob).headers);
            assert.deepEqual(found, { status: 404, asked: 1 }, `${method} ${path}`);
          }
        }
      }
    },
  );

  testTeams(
    'an anonymous caller gets the same challenge for everything, at the same number of questions',
    async (teams) => {
      await teams.bring('team/alice', teams.alices, await teams.headerOf(ALICE, 'team/alice'));
      const [cached, uncached, unknown] = threeOf(teams);
      await get(`${baseUrl(teams.larder)}/team/alice/manifests/v1`);
      const seen: Cost[] = [];
      for (const digest of [cached, uncached, unknown, teams.alices.digest]) {
        seen.push(await teams.observe('GET', `team/alice/blobs/${digest}`, {}));
      }
      assert.deepEqual(
        seen,
        seen.map(() => seen[0]),
      );
      assert.equal(seen[0]?.status, 401);
    },
  );
});

suite('T9: poisoned content', () => {
  testTeams('is never complete, and never kept for the next caller', async (teams) => {
    const { upstream, larder } = teams;
    upstream.setAccess('team/alice', { readers: ['alice', 'bob'] });
    const layer = teams.alices.layers[0] as TestBlob;
    upstream.faults.add({ match: { reference: layer.digest, method: 'GET' }, flipByteAt: 77, nth: 1 });
    const url = blobUrl(larder, 'team/alice', layer);
    const first = await get(url, authorized(await teams.headerOf(ALICE, 'team/alice'))).catch(
      () => undefined,
    );
    assert.ok(
      first?.digest === layer.digest || !first?.complete || first.status !== 200,
      'no wrong body is complete',
    );
    const second = await get(url, authorized(await teams.headerOf(BOB, 'team/alice')));
    assert.equal(second.digest, layer.digest);
  });

  testTeams('that the upstream vouches for is an error, and the right content follows', async (teams) => {
    const { upstream, larder } = teams;
    upstream.faults.add({
      match: { reference: teams.alices.digest },
      body: { text: teams.bobs.bytes.toString(), contentType: teams.bobs.mediaType },
      headers: { 'docker-content-digest': teams.alices.digest },
    });
    const alice = authorized(await teams.headerOf(ALICE, 'team/alice'));
    assert.equal((await get(manifestUrl(larder, 'team/alice', teams.alices.digest), alice)).status, 502);
    upstream.faults.clear();
    assert.equal(
      (await get(manifestUrl(larder, 'team/alice', teams.alices.digest), alice)).digest,
      teams.alices.digest,
    );
  });

  // In a process of its own, whose store stays empty.
  const openUntrusted = teamsBehind(shareLarder(), { auth: 'basic', tls: createTestPki() });
  test("is not asked for at another server on the upstream's address: the login stays here", async () => {
    const teams = await openUntrusted();
    const { upstream, larder } = teams;
    const alice = authorized(await teams.headerOf(ALICE, 'team/alice'));
    const answer = await get(manifestUrl(larder, 'team/alice', 'v1'), alice);
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.equal(upstream.count({ user: 'alice' }), 0);
    assert.deepEqual(filesIn(larder), []);
  });
});

testTeams('T10: no 2xx to HEAD or anything else before a proof, whatever is cached', async (teams) => {
  const { upstream, larder } = teams;
  const alice = await teams.headerOf(ALICE, 'team/alice');
  await teams.bring('team/alice', teams.alices, alice);
  const revoked = await teams.headerOf(ALICE, 'team/alice');
  upstream.tokens.revoke('alice');
  const unproven = [
    undefined,
    await teams.headerOf(BOB, 'team/alice'),
    revoked,
    'Bearer made-up-by-me',
    'Basic bm9ib2R5Om5vYm9keQ==',
  ];
  for (const header of unproven) {
    for (const url of [
      ...teams.urlsOf('team/alice', teams.alices),
      `${baseUrl(larder)}/team/alice/referrers/${teams.alices.digest}`,
      `${baseUrl(larder)}/team/alice/tags/list`,
    ]) {
      for (const { status } of await everyWay(url, header)) {
        assert.ok(status === 401 || status === 403, `${status} for ${url} to ${header?.split(' ')[0]}`);
      }
    }
  }
});

function everyWay(url: string, header: string | undefined): Promise<GetResult[]> {
  const { headers } = authorized(header);
  return Promise.all([
    get(url, { headers }),
    head(url, { headers }),
    get(url, { headers: { ...headers, ...RANGE } }),
  ]);
}

/** Digests of a layer that alice pulled, a layer that only the upstream has, and a layer that does not exist. */
function threeOf({ upstream, alices }: Teams): [string, string, string] {
  const uncached = blobOf(4002, 77);
  upstream.push('team/alice', uncached);
  return [alices.layers[0]?.digest ?? '', uncached.digest, blobFrom('nowhere').digest];
}

function filesIn(larder: LarderProcess): string[] {
  return ['blobs', 'spool'].flatMap((folder) =>
    readdirSync(join(larder.store, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name),
  );
}
