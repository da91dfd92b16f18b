import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  basic,
  get,
  head,
  imageOf,
  pullImage,
  startUpstream,
  type Upstream,
  type UpstreamOptions,
} from './index.ts';

test('a public image is pulled with an anonymous token, a private one with a token of its reader', async () => {
  await using upstream = await start();
  await pullImage(upstream.url, 'public', 'v1');
  await assert.rejects(pullImage(upstream.url, 'private', 'v1'), /gave 401/);
  await assert.rejects(
    pullImage(upstream.url, 'private', 'v1', { login: { user: 'bob', password: 'b' } }),
    /gave 401/,
  );
  await pullImage(upstream.url, 'private', 'v1', { login: { user: 'alice', password: 'a' } });
  assert.deepEqual(
    upstream.tokens.issued.map(({ user, scopes }) => [user, ...scopes]),
    [['anonymous', 'repository:public:pull'], ['anonymous'], ['bob'], ['alice', 'repository:private:pull']],
  );
  assert.equal(upstream.count({ repository: 'private', user: 'alice', status: 200 }), 5);
});

test('a pull with two authorizers begins twice without a credential, and gets two tokens', async () => {
  await using upstream = await start();
  const login = { user: 'alice', password: 'a' };
  await pullImage(upstream.url, 'private', 'v1', { login, freshAuthorizer: true });
  assert.deepEqual(
    upstream.requests.filter(({ status }) => status === 401).map(({ method, kind }) => `${method} ${kind}`),
    ['HEAD manifest', 'GET manifest'],
  );
  assert.equal(upstream.tokens.issued.length, 2);
});

test('the challenge names a scope on repository paths only, and why a token was refused', async () => {
  await using upstream = await start();
  const realm = `realm="${upstream.url}/token",service="test-registry"`;
  const scoped = `Bearer ${realm},scope="repository:private:pull"`;
  assert.deepEqual(await challenges(upstream, 'ping'), [`Bearer ${realm}`]);
  assert.deepEqual(await challenges(upstream), [scoped]);
  assert.deepEqual(await challenges(upstream, 'manifest', 'Bearer junk'), [
    `${scoped},error="invalid_token"`,
  ]);
  const anonymous = await tokenOf(upstream);
  assert.deepEqual(await challenges(upstream, 'manifest', anonymous), [
    `${scoped},error="insufficient_scope"`,
  ]);
});

test('challenges can be as odd as in the field', async (t) => {
  const cases: [
    name: string,
    options: UpstreamOptions,
    authorization: string | undefined,
    expected: RegExp[],
  ][] = [
    [
      'unquoted',
      { challenge: { unquoted: true } },
      undefined,
      [/^Bearer realm=http:[^"]+,service=test-registry,scope=repo/],
    ],
    ['relative realm', { challenge: { relativeRealm: true } }, undefined, [/realm="\/token"/]],
    ['two lines', { challenge: { alsoBasic: 'own-line' } }, undefined, [/^Bearer/, /^Basic/]],
    ['one line', { challenge: { alsoBasic: 'same-line' } }, undefined, [/^Bearer .*, Basic /]],
    ['no scope', { challenge: { withoutScope: true } }, undefined, [/^(?!.*scope)/]],
    ['no error', { challenge: { withoutError: true } }, 'Bearer junk', [/^(?!.*error)/]],
    [
      'Basic after a refusal, as Harbor',
      { challenge: { basicAfterRefusal: true } },
      'Bearer junk',
      [/^Basic/],
    ],
    [
      'a token server of its own',
      { token: { at: 'own-port' } },
      undefined,
      [/realm="http:\/\/127\.0\.0\.1:\d+\/token"/],
    ],
  ];
  for (const [name, options, authorization, expected] of cases) {
    await t.test(name, async () => {
      await using upstream = await start(options);
      const found = await challenges(upstream, 'manifest', authorization);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern);
    });
  }
});

test('a bad token is 400 where the upstream answers as ECR Public, and a foreign credential 403 as at GHCR', async () => {
  await using upstream = await start({ challenge: { badTokenStatus: 400, deniesForeignCredentials: true } });
  const status = async (authorization: string) => (await ask(upstream, 'manifest', authorization)).status;
  assert.equal(await status('Bearer junk'), 400);
  assert.equal(await status(basic('alice', 'a')), 403);
});

test('with one scope for everything, as ECR Public, a token reads what its user may', async () => {
  await using upstream = await start({ challenge: { fixedScope: 'aws' } });
  await pullImage(upstream.url, 'public', 'v1');
  await assert.rejects(pullImage(upstream.url, 'private', 'v1'), /gave 401/);
});

test('public content without a token, as Quay; unknown repositories hidden, as Docker Hub', async () => {
  await using upstream = await start({ publicWithoutToken: true, hidesUnknown: true });
  await pullImage(upstream.url, 'public', 'v1');
  assert.equal(upstream.tokens.issued.length, 0);
  assert.equal((await get(`${upstream.url}/v2/unknown/manifests/v1`)).status, 401);
});

test('the token server speaks POST and GET, and answers with the configured fields', async () => {
  await using upstream = await start({
    token: { expiresIn: 'absent', field: 'access_token', at: 'own-port' },
  });
  const login = 'grant_type=password&username=alice&password=a&access_type=offline';
  const answer = await post(
    upstream,
    `${login}&service=test-registry&client_id=kit&scope=repository:private:pull`,
  );
  const token = answer.json() as Record<string, unknown>;
  assert.deepEqual(Object.keys(token).sort(), ['access_token', 'issued_at', 'refresh_token', 'scope']);
  const refresh = `grant_type=refresh_token&refresh_token=${String(token['refresh_token'])}`;
  assert.equal((await post(upstream, `${refresh}&service=test-registry&client_id=kit`)).status, 200);
  assert.equal((await post(upstream, login)).status, 400);
  assert.equal((await post(upstream, login.replace('password=a', 'password=b'))).status, 400);
  assert.equal(upstream.count({ kind: 'token', method: 'POST' }), 4);
});

test('the token server refuses as configured', async () => {
  const options: UpstreamOptions = { token: { post: 405, refusalStatus: 403, anonymous: 'refused' } };
  await using upstream = await start(options);
  assert.equal((await post(upstream, 'grant_type=password')).status, 405);
  assert.equal((await get(`${upstream.url}/token`)).status, 403);
  const authorization = basic('alice', 'wrong');
  assert.equal((await get(`${upstream.url}/token`, { headers: { authorization } })).status, 403);
});

test('tokens end by the clock, by revocation and by a wrong service', async () => {
  await using upstream = await start({ token: { expiresIn: 600, lifetime: 60 } });
  const read = async (token: string) => (await ask(upstream, 'manifest', token)).status;
  const first = await tokenOf(upstream, 'alice');
  assert.equal(await read(first), 200);
  upstream.advanceClock(60_000);
  assert.equal(await read(first), 401);
  const second = await tokenOf(upstream, 'alice');
  assert.equal(await read(second), 200);
  upstream.tokens.revoke('alice');
  assert.equal(await read(second), 401);
  assert.equal(await read(await tokenOf(upstream, 'alice', 'other-service')), 401);
});

test('blobs are redirected to a signed URL that expires and takes neither credentials nor HEAD', async () => {
  await using upstream = await start({ redirect: { refuseHead: true, lifetime: 20, host: '127.0.0.2' } });
  const pulled = await pullImage(upstream.url, 'public', 'v1');
  assert.equal(upstream.count({ kind: 'blob', status: 307 }), 3);
  assert.equal(upstream.count({ kind: 'cdn', status: 200 }), 3);
  assert.equal(upstream.bodyBytes({ kind: ['blob', 'cdn'], digest: pulled.blobs[2] ?? '' }), 3000);

  const authorization = await tokenOf(upstream);
  const redirect = await get(`${upstream.url}/v2/public/blobs/${pulled.blobs[1]}`, {
    headers: { authorization },
  });
  const signed = redirect.headers.location ?? '';
  assert.ok(signed.startsWith('http://127.0.0.2:') && !signed.startsWith(`${upstream.url}/`), signed);
  assert.equal((await get(signed, { headers: { range: 'bytes=5-' } })).status, 206);
  assert.equal((await head(signed)).status, 403);
  assert.equal((await get(signed, { headers: { authorization } })).status, 400);
  assert.equal((await get(signed.replace('X-Sig=', 'X-Sig=0'))).status, 403);
  upstream.advanceClock(20_000);
  assert.equal((await get(signed)).status, 403);
});

test('a redirect can stay on the origin as a relative URL, spare HEAD, and be for manifests', async () => {
  const redirect = {
    to: 'same-origin',
    kinds: ['blob', 'manifest'],
    status: 302,
    headDirectly: true,
  } as const;
  await using upstream = await start({ auth: 'none', redirect });
  const url = `${upstream.url}/v2/public/manifests/v1`;
  assert.equal((await head(url)).status, 200);
  const { status, headers } = await get(url);
  assert.equal(status, 302);
  assert.match(headers.location ?? '', /^\/artifacts-downloads\/public\/sha256:/);
  await pullImage(upstream.url, 'public', 'v1');
  assert.equal(upstream.cdn, undefined);
});

/** An upstream with a public repository, and a private one that alice may read and bob may not. */
async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream({ auth: 'bearer', users: { alice: 'a', bob: 'b' }, ...options });
  upstream.push('public', imageOf({ seed: 1 }), 'v1');
  upstream.push('private', imageOf({ seed: 2 }), 'v1');
  upstream.setAccess('private', { readers: ['alice'] });
  return upstream;
}

function ask(upstream: Upstream, kind: 'ping' | 'manifest', authorization?: string) {
  const path = kind === 'ping' ? '' : 'private/manifests/v1';
  return get(`${upstream.url}/v2/${path}`, { headers: authorization === undefined ? {} : { authorization } });
}

/** The challenge lines of the answer. */
async function challenges(
  upstream: Upstream,
  kind: 'ping' | 'manifest' = 'manifest',
  authorization?: string,
) {
  const { rawHeaders } = await ask(upstream, kind, authorization);
  return rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'www-authenticate');
}

/** `Authorization` with a new token for the private repository. */
async function tokenOf(upstream: Upstream, user?: string, service = 'test-registry'): Promise<string> {
  const headers = user === undefined ? {} : { authorization: basic(user, upstream.users.get(user) ?? '') };
  const scopes = 'scope=repository:private:pull&scope=repository:public:pull';
  const answer = await get(`${upstream.url}/token?service=${service}&${scopes}`, { headers });
  return `Bearer ${(answer.json() as { token: string }).token}`;
}

function post(upstream: Upstream, form: string) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return get(`${(upstream.tokenServer ?? upstream).url}/token`, { method: 'POST', headers, send: form });
}
