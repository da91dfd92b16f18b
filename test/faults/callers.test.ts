/**
 * Whose credential goes where: a caller's own to the upstream of its request, a configured one in mode `Shared`; and no secret shows
 * anywhere. Who may have what is in `test/access/`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  basic,
  blobOf,
  get,
  head,
  imageOf,
  pullImage,
  runLarder,
  startUpstream,
  tempDir,
  waitFor,
  type GetResult,
  type TestBlob,
  type TestImage,
  type Upstream,
} from '../kit/index.ts';
import { blobUrl, cacheStatus, configOf, errorCode, manifestUrl, MiB, startCache } from './setting.ts';
import { newBlob, newImage, shareLarder, type SharedCache } from './shared-larder.ts';

const IMAGE = imageOf({ layers: [5000, 2 * MiB] });
const LAYER = IMAGE.layers[1] as TestBlob;
const RECOVERY = { limitMs: 10_000, everyMs: 200 };
const ALICE = { user: 'alice', password: 'correct-horse-1' };
const BOB = { user: 'bob', password: 'battery-staple-2' };

const USERS = { [ALICE.user]: ALICE.password, [BOB.user]: BOB.password };

async function privateUpstream(auth: 'basic' | 'bearer', options: object = {}): Promise<Upstream> {
  return furnish(await startUpstream({ auth, users: USERS, ...options }), IMAGE);
}

function furnish(upstream: Upstream, image: TestImage): Upstream {
  upstream.push('team/secret', image, 'v1');
  upstream.setAccess('team/secret', { readers: [ALICE.user] });
  return upstream;
}

const shared = shareLarder({ secrets: { alice: loginOf(ALICE).login, bob: loginOf(BOB).login } });

for (const auth of ['basic', 'bearer'] as const) {
  suite(`a caller with a login of its own (${auth})`, { concurrency: 2 }, () => {
    test('is asked for with its own header, and what came so is stored, for those whom the upstream lets in', async () => {
      await using upstream = await privateUpstream(auth);
      await using larder = await startCache(upstream);
      const pulled = await pullImage(larder.registry, 'team/secret', 'v1', { login: ALICE });
      assert.equal(pulled.digest, IMAGE.digest);
      const sent = upstream.requests.filter(
        (request) => request.status === 200 && ['manifest', 'blob'].includes(request.kind),
      );
      assert.equal(sent.length, IMAGE.blobs.length + 2);
      assert.ok(sent.every((request) => request.authorization.user === ALICE.user));
      assert.equal(contentOf(larder.store).length, IMAGE.blobs.length + 1);
      const served = pulled.answers.filter(
        ({ status, headers }) => status === 200 && headers['cache-status'],
      );
      for (const { headers } of served) assert.equal(headers['cache-control'], 'private, no-transform');

      for (const url of [
        manifestUrl(larder, 'team/secret', 'v1'),
        manifestUrl(larder, 'team/secret', IMAGE.digest),
        blobUrl(larder, 'team/secret', LAYER),
      ]) {
        for (const send of [get, head]) {
          const stranger = await send(url);
          assert.equal(stranger.status, 401, url);
          assert.match(
            String(stranger.headers['www-authenticate']),
            auth === 'basic' ? /^Basic realm="/ : /^Bearer realm="http/,
          );
        }
      }
      await assert.rejects(pullImage(larder.registry, 'team/secret', 'v1', { login: BOB }));

      upstream.reset();
      const again = await pullImage(larder.registry, 'team/secret', 'v1', { login: ALICE });
      assert.equal(again.digest, IMAGE.digest);
      assert.equal(upstream.count({ kind: 'blob' }), 0);
      assert.equal(upstream.count({ method: 'GET', kind: 'manifest' }), 0);
    });
  });
}

shared.test(
  "a wrong password, and content that is not there, are the upstream's own answers",
  async ({ upstream, larder }) => {
    furnish(upstream, newImage());
    const wrong = await get(manifestUrl(larder, 'team/secret', 'v1'), {
      headers: { authorization: basic('alice', 'wrong') },
    });
    // 401 at the upstream: containerd would repeat it six times.
    assert.equal(wrong.status, 403);
    assert.equal(errorCode(wrong), 'DENIED');
    assert.match(
      wrong.text(),
      new RegExp(`the upstream refuses ${upstream.host}/team/secret:v1 to this caller`),
    );
    const headers = { authorization: basic(ALICE.user, ALICE.password) };
    const missing = await get(manifestUrl(larder, 'team/secret', 'v9'), { headers });
    assert.equal(missing.status, 404);
    assert.equal(errorCode(missing), 'MANIFEST_UNKNOWN');
    upstream.faults.add({ match: { kind: 'manifest' }, status: 429, retryAfter: 7 });
    const limited = await get(manifestUrl(larder, 'team/secret', 'v1'), { headers });
    assert.equal(limited.status, 429);
    assert.equal(limited.headers['retry-after'], '7');
  },
  { upstream: { auth: 'basic', users: USERS } },
);

shared.test(
  "a caller's body is streamed while it comes, in ranges too, follows redirects without the login, and is never complete when wrong",
  async ({ upstream, larder }) => {
    const [layer, wrongLayer] = [newBlob(2 * MiB), newBlob(2 * MiB)];
    furnish(upstream, newImage({ layers: [layer] }));
    upstream.push('team/secret', wrongLayer);
    const headers = { authorization: basic(ALICE.user, ALICE.password) };
    const url = blobUrl(larder, 'team/secret', layer);

    const pause = upstream.faults.add({ match: { kind: 'cdn' }, pauseAfter: MiB, nth: 1 });
    let received = 0;
    const pull = get(url, { headers, body: { expect: layer }, onBytes: (bytes) => (received = bytes) });
    await pause.reached();
    await waitFor(() => received > MiB / 2);
    pause.release();
    const whole = await pull;
    assert.equal(whole.complete && whole.matches && whole.bytes === layer.size, true);
    assert.ok(
      upstream.requests
        .filter((request) => request.kind === 'cdn')
        .every((request) => request.headers.authorization === undefined),
    );

    const part = await get(url, { headers: { ...headers, range: `bytes=${MiB}-${MiB + 99}` } });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes ${MiB}-${MiB + 99}/${layer.size}`);
    assert.equal(layer.matches(part.body, MiB) && part.bytes === 100, true);

    upstream.faults.add({ match: { kind: 'cdn' }, flipByteAt: 12 });
    assert.equal((await get(blobUrl(larder, 'team/secret', wrongLayer), { headers })).complete, false);
  },
  { upstream: { auth: 'basic', users: USERS, redirect: { to: 'cdn' } } },
);

test('private content that anonymous callers cannot read is never fetched or stored for them', async () => {
  await using upstream = await privateUpstream('bearer');
  await using larder = await startCache(upstream);
  for (const reference of ['v1', IMAGE.digest]) {
    assert.equal((await get(manifestUrl(larder, 'team/secret', reference))).status, 401);
  }
  assert.equal(upstream.count({ kind: ['manifest', 'blob'], status: 200 }), 0);
  assert.deepEqual(contentOf(larder.store), []);
});

const dockerConfig = (host: string): string =>
  JSON.stringify({
    auths: { [host]: { auth: Buffer.from(`${ALICE.user}:${ALICE.password}`).toString('base64') } },
  });

suite('a configured credential (mode Shared)', { concurrency: 2 }, () => {
  async function assertServesEveryone({
    upstream,
    pull,
  }: Pick<SharedCache, 'upstream' | 'pull'>): Promise<void> {
    await pull('team/secret', 'v1');
    const content = upstream.requests.filter(
      (request) => request.status === 200 && ['manifest', 'blob'].includes(request.kind),
    );
    assert.ok(content.every((request) => request.authorization.user === ALICE.user));
    assert.ok(upstream.count({ kind: 'token' }) <= 1);
    upstream.reset();
    await pull('team/secret', 'v1', { headers: { authorization: basic('somebody', 'else') } });
    assert.equal(upstream.count(), 0);
  }

  for (const auth of ['basic', 'bearer'] as const) {
    shared.test(
      `as username and password at a ${auth} upstream serves everyone, from the store the second time`,
      async ({ upstream, pull }) => {
        furnish(upstream, newImage());
        await assertServesEveryone({ upstream, pull });
      },
      { upstream: { auth, users: USERS }, cache: { secretReferenceName: 'alice' } },
    );

    test(`as .dockerconfigjson at a ${auth} upstream serves everyone, from the store the second time`, async () => {
      await using upstream = await privateUpstream(auth);
      const login = { '.dockerconfigjson': dockerConfig(upstream.host) };
      await using larder = await startCache(upstream, {
        cache: { secretReferenceName: 'login' },
        secrets: { login },
      });
      await assertServesEveryone({
        upstream,
        pull: (repository, reference, options) => pullImage(larder.registry, repository, reference, options),
      });
    });
  }

  shared.test(
    "never lets a caller's own Authorization reach the upstream",
    async ({ upstream, pull }) => {
      furnish(upstream, newImage());
      await pull('team/secret', 'v1', { headers: { authorization: basic(BOB.user, BOB.password) } });
      assert.equal(upstream.count({ user: BOB.user }), 0);
    },
    { upstream: { auth: 'basic', users: USERS }, cache: { secretReferenceName: 'alice' } },
  );

  shared.test(
    'for some repositories is used there, and secretReferenceName elsewhere',
    async ({ upstream, pull }) => {
      const image = newImage();
      furnish(upstream, image);
      upstream.push('other/app', image, 'v1');
      upstream.setAccess('other/app', { readers: [BOB.user] });
      await pull('team/secret', 'v1');
      await pull('other/app', 'v1');
      assert.equal(upstream.count({ repository: 'team/secret', user: BOB.user }), 0);
      assert.equal(upstream.count({ repository: 'other/app', user: ALICE.user }), 0);
    },
    {
      upstream: { auth: 'basic', users: USERS },
      cache: {
        secretReferenceName: 'bob',
        credentials: [{ repositories: ['team/*'], secretReferenceName: 'alice' }],
      },
    },
  );

  test('that the upstream refuses is a 502 that names the cause, and works within 10 s of being replaced', async () => {
    for (const auth of ['basic', 'bearer'] as const) {
      await using upstream = await privateUpstream(auth);
      await using larder = await startCache(upstream, {
        cache: { secretReferenceName: 'login' },
        secrets: loginOf({ user: ALICE.user, password: 'outdated-password' }),
      });
      for (const send of [get, head]) {
        const refused = await send(manifestUrl(larder, 'team/secret', 'v1'));
        assert.equal(refused.status, 502);
        assert.deepEqual(cacheStatus(refused).at(-1), 'detail=UPSTREAM_CREDENTIAL_REFUSED');
        assert.equal(refused.headers['www-authenticate'], undefined);
      }
      const logged = (name: string): number => larder.logs.filter(({ event }) => event === name).length;
      assert.equal(await larder.metric('larder_credential_refused'), 1);
      assert.equal(logged('credential-refused'), 1);
      larder.writeSecret('login', 'password', ALICE.password);
      // Nobody has used the next one yet.
      await waitFor(async () => (await larder.metric('larder_credential_refused')) === 0, RECOVERY);
      await waitFor(() => pullImage(larder.registry, 'team/secret', 'v1'), RECOVERY);
      assert.equal(await larder.metric('larder_credential_refused'), 0);
      assert.equal(logged('config-shared'), 1);
    }
  });

  test('that is rotated is used within 10 s', async () => {
    await using upstream = await privateUpstream('basic');
    await using larder = await startCache(upstream, {
      cache: { secretReferenceName: 'login', freshness: { tagTTL: '0s' } },
      secrets: loginOf(ALICE),
    });
    await pullImage(larder.registry, 'team/secret', 'v1');
    upstream.users.set(ALICE.user, 'rotated-horse-3');
    larder.writeSecret('login', 'password', 'rotated-horse-3');
    await waitFor(async () => {
      const answer = await get(manifestUrl(larder, 'team/secret', 'v1'));
      return answer.status === 200 && cacheStatus(answer).includes('fwd-status=200');
    }, RECOVERY);
  });

  for (const auth of ['basic', 'bearer'] as const) {
    test(`that is rotated under load at a ${auth} upstream loses no pull`, async () => {
      await using upstream = await privateUpstream(auth);
      await using larder = await startCache(upstream, {
        cache: { secretReferenceName: 'login', freshness: { tagTTL: '0s' } },
        secrets: loginOf(ALICE),
      });
      let pulls = 0;
      const rotated = new AbortController();
      const puller = async (): Promise<void> => {
        while (!rotated.signal.aborted) {
          await pullImage(larder.registry, 'team/secret', 'v1');
          pulls += 1;
        }
      };
      const rotator = async (): Promise<void> => {
        for (const password of [
          'rotated-one',
          'rotated-two',
          'rotated-three',
          'rotated-four',
          'rotated-five',
        ]) {
          const before = pulls;
          // As it is done by hand: the Secret first. The upstream knows one password only.
          larder.writeSecret('login', 'password', password);
          upstream.users.set(ALICE.user, password);
          upstream.tokens.revoke(ALICE.user);
          await waitFor(() => pulls > before + 8);
        }
        rotated.abort();
      };
      await Promise.all([rotator(), ...Array.from({ length: 4 }, puller)]);
      assert.ok(pulls >= 40);
    });
  }

  test('that is missing means anonymous requests, a warning and a metric', async () => {
    await using upstream = await startUpstream({ auth: 'bearer' });
    upstream.push('team/public', IMAGE, 'v1');
    await using larder = await startCache(upstream, {
      cache: { secretReferenceName: 'login' },
      secrets: { other: { a: 'b' } },
    });
    await pullImage(larder.registry, 'team/public', 'v1');
    assert.equal(await larder.metric('larder_secrets_missing', { upstream_host: upstream.host }), 1);
    assert.equal(larder.logs.filter((line) => line['secret'] === 'login').length, 1, 'one warning');
  });
});

test('no secret and no signed address shows in logs, metrics, stats, answers, the store or --print-config', async () => {
  await using upstream = await privateUpstream('bearer', { redirect: { to: 'cdn' } });
  const cache = { secretReferenceName: 'login', freshness: { tagTTL: '0s' } };
  await using larder = await startCache(upstream, {
    cache,
    secrets: loginOf(ALICE),
    flags: ['--log-level', 'debug'],
  });
  const answers: GetResult[] = [];
  const query = 'token=query-secret-4&X-Amz-Signature=query-secret-5';
  answers.push(...(await pullImage(larder.registry, 'team/secret', 'v1')).answers);
  answers.push(
    await get(`${manifestUrl(larder, 'team/secret', 'v1')}?${query}`, {
      headers: { authorization: 'Bearer caller-secret-6' },
    }),
  );
  // Trouble at each hop, since failures are what gets logged.
  for (const fault of [
    { match: { kind: 'cdn' as const }, status: 403 },
    { match: { kind: 'cdn' as const }, drop: 'rst' as const },
    { match: { kind: 'token' as const }, status: 500 },
    { match: { kind: 'blob' as const }, status: 500 },
  ]) {
    using _ = upstream.faults.add(fault);
    upstream.push('team/secret', blobOf(3000, answers.length));
    answers.push(
      await get(blobUrl(larder, 'team/secret', blobOf(3000, answers.length)), {
        headers: { authorization: 'Bearer caller-secret-6' },
      }),
    );
  }
  answers.push(await get(`${larder.registry}/v2/team/secret/unknown?${query}`));
  await waitFor(() => larder.logs.filter((line) => line.msg === 'request').length >= answers.length);

  const secrets = [
    ALICE.password,
    Buffer.from(`${ALICE.user}:${ALICE.password}`).toString('base64'),
    ...upstream.tokens.issued.map((token) => token.value),
    'query-secret-4',
    'query-secret-5',
    'caller-secret-6',
    'X-Sig',
    'X-Expires',
  ];
  assert.ok(upstream.tokens.issued.length > 0);
  const metrics = (await get(`${larder.admin}/metrics`)).text();
  const stats = (await get(`${larder.admin}/api/v1/stats`)).text();
  const counts = answers
    .map((answer) => JSON.stringify(answer.headers) + (answer.status === 200 ? '' : answer.text()))
    .join('\n');
  using directory = tempDir();
  const config = directory.write('config.json', JSON.stringify(configOf(upstream, cache)));
  directory.write('secrets/login/password', ALICE.password);
  const printed = await runLarder([
    'serve',
    '--config',
    config,
    '--secrets',
    join(directory.path, 'secrets'),
    '--print-config',
  ]);
  assert.equal(printed.code, 0);
  await larder.stop();
  const places: Record<string, string> = {
    logs: larder.logs.map((line) => JSON.stringify(line)).join('\n'),
    metrics,
    stats,
    answers: counts,
    'print-config': printed.stdout + printed.stderr,
    store: everyFile(larder.store)
      .map((file) => readFileSync(file, 'latin1'))
      .join('\n'),
  };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of secrets) assert.equal(text.includes(secret), false, `${secret} in ${place}`);
  }
  assert.ok(
    (places['logs']?.length ?? 0) > 1000 && (places['store']?.length ?? 0) > 2 * MiB,
    'there was something to search',
  );
});

function loginOf({ user, password }: { user: string; password: string }): { login: Record<string, string> } {
  return { login: { username: user, password } };
}

/** Files of the store that hold content, whole or in part. */
function contentOf(store: string): string[] {
  return ['blobs', 'spool'].flatMap((folder) => everyFile(join(store, folder)));
}

function everyFile(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
