/**
 * `authentication.realm: Cache`, end to end: clients that only put a path in front of the name log in at Larder, and Larder
 * logs in at the upstream.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  basic,
  createTestPki,
  get,
  imageOf,
  measureMachine,
  pullImage,
  runLarder,
  startLarder,
  startUpstream,
  tempDir,
  tlsFlags,
  waitFor,
  type GetResult,
  type LarderProcess,
  type TestImage,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { shareLarder, type SharedCache } from '../faults/shared-larder.ts';
import { cacheStatus, configOf, configWith, errorCode, manifestUrl, startCache } from '../faults/setting.ts';

const IMAGE = imageOf({ layers: [5000, 70_000] });
const ALICE = { user: 'alice', password: 'correct:horse-1' };
const BOB = { user: 'bob', password: 'battery-staple-2' };
const REALM_CACHE = { authentication: { realm: 'Cache' } };

interface LoginOptions {
  readonly login?: { readonly user: string; readonly password: string };
}

const PRIVATE = {
  auth: 'bearer',
  users: { [ALICE.user]: ALICE.password, [BOB.user]: BOB.password },
} as const satisfies UpstreamOptions;

/** A registry with `team/public`, and `team/secret` and `team/other`, which alice may read. */
async function registry(options: UpstreamOptions = {}): Promise<Upstream> {
  return furnish(await startUpstream({ ...PRIVATE, ...options }), IMAGE);
}

function furnish(upstream: Upstream, image: TestImage): Upstream {
  for (const name of ['team/public', 'team/secret', 'team/other']) upstream.push(name, image, 'v1');
  for (const name of ['team/secret', 'team/other']) upstream.setAccess(name, { readers: [ALICE.user] });
  return upstream;
}

/** Long enough to fetch a token and use it once. */
const TOKEN_SECONDS = Math.ceil((await measureMachine()).limit(4000) / 1000);

const shared = shareLarder();
let cases = 0;

interface Case extends SharedCache {
  /** The image behind the tag `v1` of each repository. No other case has its content. */
  readonly image: TestImage;
  /** Name of a repository at Larder: behind the alias. */
  readonly named: (repository: string) => string;
}

/** Declares a {@link registry} behind the shared process, of realm `Cache` by default. A test opens it once. */
function caseOf(options: UpstreamOptions = {}, cache: object = REALM_CACHE): () => Promise<Case> {
  const start = shared.add({ ...PRIVATE, ...options }, cache);
  cases += 1;
  const image = imageOf({ seed: 10 + cases, layers: [5000, 70_000] });
  return async () => {
    const running = await start();
    furnish(running.upstream, image);
    return { ...running, image, named: (repository) => `${running.larder.alias}/${repository}` };
  };
}

/** Asks for a token by GET. */
function askToken(
  { registry: url }: LarderProcess,
  upstream: Upstream,
  names: readonly string[],
  { login }: LoginOptions = {},
): Promise<GetResult> {
  const query = new URLSearchParams(names.map((name): [string, string] => ['scope', pullScope(name)]));
  const headers = login === undefined ? {} : { authorization: basic(login.user, login.password) };
  return get(`${url}/token/${upstream.host}?${query.toString()}`, { headers });
}

/** Asks for a token by POST. */
function postToken(
  { registry: url }: LarderProcess,
  upstream: Upstream,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<GetResult> {
  return get(`${url}/token/${upstream.host}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    send: new URLSearchParams({ service: 'x', client_id: 'test', ...form }).toString(),
  });
}

interface TokenDocument {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
}

async function tokenOf(asked: Promise<GetResult>): Promise<string> {
  const answer = await asked;
  assert.equal(answer.status, 200, answer.text());
  return (answer.json() as TokenDocument).token;
}

function withToken(token: string) {
  return { headers: { authorization: `Bearer ${token}` } };
}

function pullScope(name: string): string {
  return `repository:${name}:pull`;
}

/** The challenge that Larder gives for `name` of `upstream`. */
function ownChallenge(larder: LarderProcess, upstream: Upstream, name?: string, error?: string): string {
  const { host } = new URL(larder.registry);
  return (
    `Bearer realm="${larder.registry}/token/${upstream.host}",service="${host}"` +
    (name === undefined ? '' : `,scope="${pullScope(name)}"`) +
    (error === undefined ? '' : `,error="${error}"`)
  );
}

for (const auth of ['basic', 'bearer'] as const) {
  const open = caseOf({ auth });
  test(`a client with an alias in the name pulls private content of a ${auth} upstream with a login at Larder, and no other caller does`, async () => {
    const { upstream, larder, image, pull, named } = await open();
    const pulled = await pull('team/secret', 'v1', { login: ALICE });
    assert.equal(pulled.digest, image.digest);
    assert.equal(
      pulled.answers.find(({ status }) => status === 401)?.headers['www-authenticate'],
      ownChallenge(larder, upstream, named('team/secret')),
    );
    const content = upstream.requests.filter(
      ({ kind, status }) => status === 200 && (kind === 'manifest' || kind === 'blob'),
    );
    assert.ok(content.length >= image.blobs.length + 1);
    assert.ok(content.every(({ authorization }) => authorization.user === ALICE.user));
    for (const other of [{}, { login: BOB }, { login: { ...ALICE, password: 'wrong' } }])
      await assert.rejects(pull('team/secret', 'v1', other), / 40[13]/);
  });
}

suite('the token endpoint', { concurrency: 2 }, () => {
  const granting = caseOf();
  test('gives a token by GET and by POST, to a password and to an identity token', async () => {
    const { upstream, larder } = await granting();
    const scope = pullScope('team/secret');
    for (const answer of [
      await askToken(larder, upstream, ['team/secret'], { login: ALICE }),
      await postToken(larder, upstream, {
        grant_type: 'password',
        username: ALICE.user,
        password: ALICE.password,
        scope,
      }),
      await postToken(larder, upstream, {
        grant_type: 'refresh_token',
        refresh_token: 'refresh-token-of-alice',
        scope,
      }),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.deepEqual(cacheStatus(answer), ['larder', 'fwd=bypass', 'detail=TOKEN']);
      const document = answer.json() as TokenDocument;
      assert.equal(document.access_token, document.token);
      assert.equal(document.scope, scope);
      assert.ok(document.expires_in > 280 && document.expires_in <= 290, 'the rest of 300 s');
      assert.ok(Math.abs(Date.parse(document.issued_at) - Date.now()) < 10_000);
      const content = await get(manifestUrl(larder, 'team/secret', 'v1'), withToken(document.token));
      assert.equal(content.status, 200);
    }
    assert.equal(
      await larder.metric('larder_tokens_total', { upstream_host: upstream.host, outcome: 'granted' }),
      3,
    );
  });

  const refusing = ([401, 403] as const).map((refusalStatus) => ({
    refusalStatus,
    open: caseOf({ token: { refusalStatus } }),
  }));
  test('refuses a wrong password as the upstream does, once for each form, without a challenge that a client could retry', async () => {
    for (const { refusalStatus, open } of refusing) {
      const { upstream, larder } = await open();
      const password = 'wrong';
      for (const answer of [
        await askToken(larder, upstream, ['team/secret'], { login: { ...ALICE, password } }),
        await postToken(larder, upstream, {
          grant_type: 'password',
          username: ALICE.user,
          password,
          scope: pullScope('team/secret'),
        }),
      ]) {
        assert.equal(answer.status, refusalStatus);
        assert.equal(errorCode(answer), refusalStatus === 401 ? 'UNAUTHORIZED' : 'DENIED');
        assert.equal(answer.headers['www-authenticate'], undefined);
      }
      assert.equal(upstream.count({ kind: 'token' }), 1, 'the second form is refused from memory');
    }
  });

  test('gives an anonymous token without a login, which reads public content', async () => {
    await using upstream = await registry();
    await using larder = await startCache(upstream, { cache: REALM_CACHE });
    const token = await tokenOf(askToken(larder, upstream, ['team/public', 'team/secret']));
    assert.equal(upstream.count(), 0, 'no upstream was asked');
    for (const options of [withToken(token), {}]) {
      assert.equal((await get(manifestUrl(larder, 'team/public', 'v1'), options)).status, 200);
      const refused = await get(manifestUrl(larder, 'team/secret', 'v1'), options);
      assert.equal(refused.status, 401);
      const error = 'headers' in options ? 'invalid_token' : undefined;
      assert.equal(refused.headers['www-authenticate'], ownChallenge(larder, upstream, 'team/secret', error));
    }
  });

  const trying = caseOf();
  test('tries a login without scopes (docker login) at the upstream', async () => {
    const { upstream, larder } = await trying();
    const token = await tokenOf(askToken(larder, upstream, [], { login: ALICE }));
    assert.equal((await get(`${larder.registry}/v2/`, withToken(token))).status, 200);
    const wrong = await askToken(larder, upstream, [], { login: { ...ALICE, password: 'wrong' } });
    assert.equal(wrong.status, 401);
  });

  const both = [caseOf(), caseOf({ auth: 'basic' })] as const;
  test('follows the alias in a scope to another upstream, and gives one token for both', async () => {
    const [{ upstream: one, larder }, { upstream: two }] = [await both[0](), await both[1]()];
    const names = ['team/secret', `${two.host}/team/secret`];
    const answer = await askToken(larder, one, names, { login: ALICE });
    const { token, scope } = answer.json() as TokenDocument;
    assert.equal(scope, names.map(pullScope).join(' '));
    for (const { host } of [one, two]) {
      const url = manifestUrl({ ...larder, alias: host }, 'team/secret', 'v1');
      assert.equal((await get(url, withToken(token))).status, 200, host);
    }
    const sentTo = (upstream: Upstream) =>
      upstream.requests.find(({ kind, status }) => kind === 'manifest' && status === 200)?.authorization.kind;
    assert.deepEqual([one, two].map(sentTo), ['bearer', 'basic'], 'each upstream got what is its own');
  });

  const mixed = [caseOf(), caseOf({}, {})] as const;
  test('exists only for configured upstreams of realm Cache, for GET and POST, and for valid forms', async () => {
    const [{ upstream: one, larder }, { upstream: two }] = [await mixed[0](), await mixed[1]()];
    const url = `${larder.registry}/token/${one.host}`;
    for (const path of ['', 'unknown.example', two.host, `${one.host}/`, '..%2f'])
      assert.equal((await get(`${larder.registry}/token/${path}`)).status, 404, path);
    for (const method of ['PUT', 'DELETE', 'HEAD']) {
      const answer = await get(url, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers['allow'], 'GET, POST');
    }
    assert.equal((await get(`${larder.registry}/v2/`, { method: 'POST' })).headers['allow'], 'GET, HEAD');

    const password = { grant_type: 'password', username: 'alice', password: 'x' };
    for (const refused of [
      await postToken(larder, one, {}),
      await postToken(larder, one, { grant_type: 'authorization_code', code: 'x' }),
      await postToken(larder, one, { grant_type: 'password', password: 'x' }),
      await postToken(larder, one, { grant_type: 'refresh_token' }),
      await postToken(larder, one, password, { 'content-type': 'application/json' }),
      await postToken(larder, one, { ...password, padding: 'x'.repeat(64 * 1024) }),
      await postToken(larder, one, { ...password, scope: pullScope('UPPER') }),
      await get(`${url}?scope=${pullScope('a/b')}`, withToken('x')),
      await get(url, { headers: { authorization: 'Basic ???' } }),
      await get(url, { headers: { authorization: basic('', 'x') } }),
    ])
      assert.equal(refused.status, 400, refused.text());
    assert.equal(one.count() + two.count(), 0);
  });

  const failing = caseOf({ token: { at: 'own-port' } });
  test('reports failures of the upstream as what they are', async () => {
    const { upstream, larder } = await failing();
    const ask = () => askToken(larder, upstream, ['team/secret'], { login: ALICE });
    {
      using _ = upstream.faults.add({ match: { kind: 'token' }, status: 500 });
      assert.equal((await ask()).status, 502);
    }
    {
      using _ = upstream.faults.add({ match: { kind: 'token' }, status: 429, retryAfter: 1 });
      const limited = await ask();
      assert.equal(limited.status, 429);
      assert.equal(limited.headers['retry-after'], '1');
    }
    await waitFor(async () => (await ask()).status === 200);
    await upstream.tokenServer?.refuse();
    assert.equal((await ask()).status, 502);
  });
});

suite('a token of Larder', { concurrency: 2 }, () => {
  const scoped = caseOf();
  test('is good for the repositories it was asked for, and requests for others do not reach the upstream', async () => {
    const { upstream, larder, named } = await scoped();
    const token = await tokenOf(askToken(larder, upstream, ['team/secret'], { login: ALICE }));
    upstream.reset();
    const refused = await get(manifestUrl(larder, 'team/other', 'v1'), withToken(token));
    assert.equal(refused.status, 401);
    assert.equal(
      refused.headers['www-authenticate'],
      ownChallenge(larder, upstream, named('team/other'), 'insufficient_scope'),
    );
    assert.deepEqual(cacheStatus(refused), ['larder', 'detail=TOKEN_REQUIRED']);
    assert.equal(upstream.count(), 0);
  });

  const expiring = caseOf({ token: { expiresIn: TOKEN_SECONDS } });
  test('that has expired, was made up, or is a password is answered with the address of the token endpoint', async () => {
    const { upstream, larder, named } = await expiring();
    const token = await tokenOf(askToken(larder, upstream, ['team/secret'], { login: ALICE }));
    const url = manifestUrl(larder, 'team/secret', 'v1');
    assert.equal((await get(url, withToken(token))).status, 200);
    await waitFor(async () => (await get(url, withToken(token))).status === 401, {
      limitMs: TOKEN_SECONDS * 1000 + 6000,
    });
    upstream.reset();
    const headers = { authorization: basic(ALICE.user, ALICE.password) };
    for (const options of [withToken(token), withToken('made-up'), { headers }]) {
      const refused = await get(url, options);
      assert.equal(refused.status, 401);
      assert.equal(
        refused.headers['www-authenticate'],
        ownChallenge(larder, upstream, named('team/secret'), 'invalid_token'),
      );
    }
    assert.equal(upstream.count(), 0);
  });

  const revoked = caseOf();
  test("whose upstream token was revoked gets Larder's challenge, so that the client asks for a new one", async () => {
    const { upstream, larder, named } = await revoked();
    const token = await tokenOf(askToken(larder, upstream, ['team/secret'], { login: ALICE }));
    upstream.tokens.revoke();
    for (const method of ['GET', 'HEAD']) {
      const refused = await get(manifestUrl(larder, 'team/secret', 'v1'), { method, ...withToken(token) });
      assert.equal(refused.status, 401);
      assert.equal(
        refused.headers['www-authenticate'],
        ownChallenge(larder, upstream, named('team/secret'), 'invalid_token'),
      );
    }
  });

  test('outlives a restart, and ends with damaged keys, which stop nothing', async () => {
    await using upstream = await registry();
    using files = tempDir();
    const options = { cache: REALM_CACHE, store: join(files.path, 'store') };
    const keys = join(options.store, 'documents', 'token-keys.json');
    let token: string;
    {
      await using larder = await startCache(upstream, options);
      token = await tokenOf(askToken(larder, upstream, ['team/secret'], { login: ALICE }));
      assert.equal(statSync(keys).mode & 0o777, 0o600);
      await larder.stop();
    }
    {
      await using larder = await startCache(upstream, options);
      assert.equal((await get(manifestUrl(larder, 'team/secret', 'v1'), withToken(token))).status, 200);
      await larder.stop();
    }
    writeFileSync(keys, '{"keys":');
    await using larder = await startCache(upstream, options);
    assert.equal((await get(manifestUrl(larder, 'team/secret', 'v1'), withToken(token))).status, 401);
    await larder.event('token-keys-damaged');
    await pullImage(larder.registry, 'team/secret', 'v1', { login: ALICE });
  });

  const mixed = [caseOf(), caseOf({}, {})] as const;
  test('is not sent to an upstream that clients log in at themselves', async () => {
    const [first, { upstream: two, larder, named }] = [await mixed[0](), await mixed[1]()];
    const one = first.upstream;
    const names = [first.named('team/secret'), named('team/public')];
    const token = await tokenOf(askToken(larder, one, names, { login: ALICE }));
    const url = manifestUrl(larder, 'team/public', 'v1');
    assert.equal((await get(url, withToken(token))).status, 200);
    assert.equal(two.count({ user: ALICE.user }), 0);
    assert.ok(two.requests.every(({ headers }) => !String(headers.authorization).includes(token)));
    const own = `Bearer ${one.tokens.issued[0]?.value}`;
    await get(url, { headers: { authorization: own } });
    assert.ok(
      two.requests.some(({ headers }) => headers.authorization === own),
      'other tokens go there',
    );
  });
});

suite('/v2/ of a cache where clients log in', { concurrency: 2 }, () => {
  test("is Larder's challenge until a token comes along, whether the upstream is up or not", async () => {
    await using upstream = await registry();
    await using larder = await startCache(upstream, { cache: REALM_CACHE });
    const token = await tokenOf(askToken(larder, upstream, []));
    await upstream.refuse();
    for (const path of ['/v2/', `/v2/?ns=${upstream.host}`]) {
      const url = `${larder.registry}${path}`;
      const anonymous = await get(url);
      assert.equal(anonymous.status, 401);
      assert.equal(anonymous.headers['www-authenticate'], ownChallenge(larder, upstream));
      assert.equal(errorCode(anonymous), 'UNAUTHORIZED');
      assert.equal((await get(url, withToken(token))).status, 200);
      const wrong = await get(url, withToken('made-up'));
      assert.equal(
        wrong.headers['www-authenticate'],
        ownChallenge(larder, upstream, undefined, 'invalid_token'),
      );
    }
  });

  test('names the default upstream among several, or else the first of realm Cache', async () => {
    await using one = await registry();
    await using two = await registry();
    await using three = await registry();
    const caches = [one, two, three].map(({ host, url }, index) => ({
      upstream: host,
      remoteURL: url,
      ...(index > 0 && REALM_CACHE),
    }));
    for (const [wanted, named] of [
      [three, three],
      [one, two],
    ] as const) {
      await using larder = await startLarder({
        config: configWith(caches),
        flags: ['--default-upstream', wanted.host],
      });
      const answer = await get(`${larder.registry}/v2/`);
      assert.equal(answer.headers['www-authenticate'], ownChallenge(larder, named));
      const relayed = await get(`${larder.registry}/v2/?ns=${one.host}`);
      assert.match(String(relayed.headers['www-authenticate']), new RegExp(`realm="${one.url}/`));
    }
  });
});

test('the challenge names the address of --external-url, or https where Larder speaks TLS', async () => {
  await using upstream = await registry();
  await using behind = await startCache(upstream, {
    cache: REALM_CACHE,
    flags: ['--external-url', 'https://cache.example/registry/'],
  });
  assert.equal(
    (await get(`${behind.registry}/v2/`)).headers['www-authenticate'],
    `Bearer realm="https://cache.example/registry/token/${upstream.host}",service="cache.example"`,
  );
  const pki = createTestPki();
  using files = tempDir();
  const flags = tlsFlags(files, pki.server());
  await using larder = await startCache(upstream, { cache: REALM_CACHE, flags });
  const answer = await get(`${larder.registry}/v2/`, { ca: pki.caPem });
  assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="https:\/\/127\.0\.0\.1:/);
});

test('an invalid --external-url is refused, and --print-config shows a good one', async () => {
  for (const url of ['cache.example', 'ftp://cache.example', 'https://user:pw@cache.example', 'https://a/?b'])
    assert.equal((await runLarder(['serve', '--external-url', url])).code, 2, url);
  const env = { LARDER_EXTERNAL_URL: 'https://cache.example' };
  const { stdout } = await runLarder(['serve', '--print-config'], { env });
  assert.match(stdout, /^# external-url: https:\/\/cache\.example\/$/m);
});

test('no login and no token shows in logs, metrics, stats, the store or error answers', async () => {
  await using upstream = await registry();
  await using larder = await startCache(upstream, { cache: REALM_CACHE, flags: ['--log-level', 'debug'] });
  const answers: GetResult[] = [];
  const token = await tokenOf(askToken(larder, upstream, ['team/secret'], { login: ALICE }));
  await get(manifestUrl(larder, 'team/secret', 'v1'), withToken(token));
  answers.push(await get(manifestUrl(larder, 'team/other', 'v1'), withToken(token)));
  const wrong = { ...ALICE, password: 'wrong-secret-3' };
  answers.push(await askToken(larder, upstream, ['team/secret'], { login: wrong }));
  const form = { grant_type: 'password', username: ALICE.user, password: 'wrong-secret-4', scope: 'a b' };
  answers.push(await postToken(larder, upstream, form));
  answers.push(await postToken(larder, upstream, { grant_type: 'wrong-secret-5' }));
  answers.push(await get(`${larder.registry}/token/${upstream.host}?scope=wrong-secret-6:x`, withToken('x')));
  using _ = upstream.faults.add({ match: { kind: 'token' }, status: 500 });
  answers.push(await askToken(larder, upstream, ['team/secret'], { login: ALICE }));
  assert.ok(answers.every(({ status }) => status >= 400));
  await waitFor(() => larder.logs.filter(({ msg }) => msg === 'request').length >= answers.length + 2);

  const secrets = [
    ALICE.password,
    Buffer.from(`${ALICE.user}:${ALICE.password}`).toString('base64'),
    token,
    ...upstream.tokens.issued.map(({ value }) => value),
    ...[3, 4, 5, 6].map((number) => `wrong-secret-${number}`),
  ];
  const places: Record<string, string> = {
    metrics: (await get(`${larder.admin}/metrics`)).text(),
    stats: (await get(`${larder.admin}/api/v1/stats`)).text(),
    answers: answers.map((answer) => JSON.stringify(answer.headers) + answer.text()).join('\n'),
  };
  await larder.stop();
  places['logs'] = JSON.stringify(larder.logs);
  places['store'] = readdirSync(larder.store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 0, place);
    for (const secret of secrets) assert.ok(!text.includes(secret), `${place} shows ${secret}`);
  }
});

test('realm Cache in mode Shared makes no difference: no caller logs in', async () => {
  await using upstream = await registry();
  const cache = { secretReferenceName: 'login', authentication: { realm: 'Cache' } };
  const secrets = { login: { username: ALICE.user, password: ALICE.password } };
  await using larder = await startLarder({ config: configOf(upstream, cache), secrets });
  assert.equal((await get(`${larder.registry}/v2/`)).status, 200);
  assert.equal((await get(`${larder.registry}/token/${upstream.host}`)).status, 404);
  await pullImage(larder.registry, 'team/secret', 'v1', { headers: { authorization: 'Bearer anything' } });
});
