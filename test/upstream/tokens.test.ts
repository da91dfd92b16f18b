import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityTokenCredential } from '../../src/upstream/credentials/credential.ts';
import { imageOf, startUpstream, type Upstream, type UpstreamOptions } from '../kit/index.ts';
import { clientOf } from './client.ts';

const image = imageOf({ layers: [1000, 2000] });

/** A registry with the public repositories `public` and `other`, and `private`, which alice may read. */
async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream({
    auth: 'bearer',
    users: { alice: 'secret', bob: 'word' },
    ...options,
  });
  for (const name of ['public', 'other', 'private']) upstream.push(name, image, 'v1');
  upstream.setAccess('private', { readers: ['alice'] });
  return upstream;
}

/** The requests to the registry: method, kind, status, credential. */
function asked(upstream: Upstream): string[] {
  return upstream.requests.map(({ method, kind, status, authorization }) =>
    [method, kind, status, authorization.user ?? authorization.kind].join(' '),
  );
}

test('a cold pull spends one 401 and one token', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask({ method: 'HEAD', path: '/v2/public/manifests/v1' });
  await client.ask('/v2/public/manifests/v1');
  await Promise.all(image.blobs.map(({ digest }) => client.ask(`/v2/public/blobs/${digest}`)));
  assert.deepEqual(asked(upstream), [
    'HEAD manifest 401 none',
    'GET token 200 none',
    'HEAD manifest 200 anonymous',
    'GET manifest 200 anonymous',
    ...image.blobs.map(() => 'GET blob 200 anonymous'),
  ]);
});

test('a second repository spends no 401, since its challenge is predicted', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask('/v2/public/manifests/v1');
  upstream.reset();
  const answer = await client.ask('/v2/other/manifests/v1');
  assert.deepEqual(asked(upstream), ['GET token 200 none', 'GET manifest 200 anonymous']);
  const realm = `${upstream.url}/token`;
  assert.deepEqual(answer.challenges, [
    `Bearer realm="${realm}",service="test-registry",scope="repository:other:pull"`,
  ]);
});

test('many requests at once share one token', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await Promise.all(Array.from({ length: 50 }, () => client.ask('/v2/public/manifests/v1')));
  assert.equal(upstream.tokens.issued.length, 1);
});

test('a token is used until just before it expires', async () => {
  await using upstream = await start({ token: { expiresIn: 100 } });
  await using client = clientOf(upstream);
  await client.ask('/v2/public/manifests/v1');
  client.clock.advance(89_000);
  await client.ask('/v2/public/manifests/v1');
  assert.equal(upstream.tokens.issued.length, 1);
  client.clock.advance(1_500);
  await client.ask('/v2/public/manifests/v1');
  assert.equal(upstream.tokens.issued.length, 2);
  assert.equal(upstream.count({ status: 401 }), 1);
});

test('a token without expires_in is good for 60 s, as at Quay', async () => {
  await using upstream = await start({ token: { expiresIn: 'absent' } });
  await using client = clientOf(upstream);
  await client.ask('/v2/public/manifests/v1');
  client.clock.advance(50_000);
  await client.ask('/v2/public/manifests/v1');
  assert.equal(upstream.tokens.issued.length, 1);
  client.clock.advance(10_000);
  await client.ask('/v2/public/manifests/v1');
  assert.equal(upstream.tokens.issued.length, 2);
});

test('a token that lives 0 s serves the requests that wait for it, and no others', async () => {
  await using upstream = await start({ token: { expiresIn: 0, lifetime: 300 } });
  await using client = clientOf(upstream);
  for (const count of [1, 2]) {
    assert.equal((await client.ask('/v2/public/manifests/v1')).status, 200);
    assert.equal(upstream.tokens.issued.length, count);
  }
});

for (const field of ['token', 'access_token'] as const) {
  test(`a token is read from "${field}" alone`, async () => {
    await using upstream = await start({ token: { field } });
    await using client = clientOf(upstream);
    assert.equal((await client.ask('/v2/public/manifests/v1')).status, 200);
  });
}

test('a token that was revoked is replaced once, for all requests with it', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask('/v2/public/manifests/v1');
  upstream.tokens.revoke();
  upstream.reset();
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask('/v2/public/manifests/v1')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(upstream.tokens.issued.length, 1);
});

test('a 401 that no token helps against is an answer, after three requests at most', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const first = await client.ask('/v2/private/manifests/v1');
  assert.equal(first.status, 401);
  assert.match(first.body.toString(), /UNAUTHORIZED/);
  assert.deepEqual(asked(upstream), [
    'GET manifest 401 none',
    'GET token 200 none',
    'GET manifest 401 anonymous',
  ]);
  upstream.reset();
  const second = await client.ask('/v2/private/manifests/v1');
  assert.deepEqual(
    [second.status, upstream.count({ kind: 'manifest' }), upstream.count({ kind: 'token' })],
    [401, 2, 1],
  );
  assert.deepEqual(second.challenges, [
    `Bearer realm="${upstream.url}/token",service="test-registry",scope="repository:private:pull"`,
  ]);
});

test('an anonymous token that is refused leaves the 401 with its challenge', async () => {
  await using upstream = await start({ token: { anonymous: 'refused' } });
  await using client = clientOf(upstream);
  const answer = await client.ask('/v2/private/manifests/v1');
  assert.equal(answer.status, 401);
  assert.match(answer.challenges[0] ?? '', /^Bearer realm="http.*scope="repository:private:pull"$/);
  assert.match(answer.body.toString(), /UNAUTHORIZED/);
});

test('a configured login buys the token, by GET with Basic', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream, { login: 'alice:secret' });
  assert.equal((await client.ask('/v2/private/manifests/v1')).status, 200);
  assert.deepEqual(asked(upstream), [
    'GET manifest 401 none',
    'GET token 200 alice',
    'GET manifest 200 alice',
  ]);
});

test('a token server without GET gets the login by POST', async () => {
  await using upstream = await start();
  upstream.faults.add({ match: { kind: 'token', method: 'GET' }, status: 405 });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  assert.equal((await client.ask('/v2/private/manifests/v1')).status, 200);
  assert.equal(upstream.count({ kind: 'token', method: 'POST', status: 200 }), 1);
});

test('an identity token goes by POST as a refresh token', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream, {
    credentials: () => identityTokenCredential('refresh-token-of-alice'),
  });
  assert.equal((await client.ask('/v2/private/manifests/v1')).status, 200);
  assert.equal(upstream.count({ kind: 'token', method: 'GET' }), 0);
});

for (const refusalStatus of [401, 403]) {
  test(`a login that the token server answers ${refusalStatus} is refused, and not repeated at once`, async () => {
    await using upstream = await start({ token: { refusalStatus } });
    await using client = clientOf(upstream, { login: 'alice:wrong' });
    for (const _ of [1, 2, 3]) {
      await assert.rejects(client.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
    }
    assert.equal(upstream.count({ kind: 'token' }), 1);
    upstream.users.set('alice', 'wrong');
    client.clock.advance(5_000);
    assert.equal((await client.ask('/v2/private/manifests/v1')).status, 200);
  });
}

test('a new login is used at once, although the old one was refused', async () => {
  await using upstream = await start();
  let login = identityTokenCredential('refresh-token-of-nobody');
  await using client = clientOf(upstream, { credentials: () => login });
  await assert.rejects(client.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
  login = identityTokenCredential('refresh-token-of-alice');
  assert.equal((await client.ask('/v2/private/manifests/v1')).status, 200);
});

test('a login that may not read the repository is refused', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream, { login: 'bob:word' });
  await assert.rejects(client.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
});

test('failures of the token server have their own errors', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const cases = [
    [{ status: 503 }, 'UPSTREAM_5XX'],
    [{ status: 404 }, 'UPSTREAM_BAD_ANSWER'],
    [{ body: { text: '{"token":' } }, 'UPSTREAM_BAD_ANSWER'],
    [{ body: { text: '{"token":"a b"}' } }, 'UPSTREAM_BAD_ANSWER'],
    [{ body: { text: '{}' } }, 'UPSTREAM_BAD_ANSWER'],
    [{ drop: 'rst' }, 'UPSTREAM_UNREACHABLE'],
  ] as const;
  for (const [fault, code] of cases) {
    using _ = upstream.faults.add({ match: { kind: 'token' }, ...fault });
    await assert.rejects(client.ask('/v2/public/manifests/v1'), { code });
  }
  assert.equal(await client.metric('larder_upstream_requests_total', { kind: 'token', code: '503' }), 1);
  assert.equal((await client.ask('/v2/public/manifests/v1')).status, 200);
});

test('a token server that hangs is a time-out after 15 s', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  using hang = upstream.faults.add({ match: { kind: 'token' }, hold: true });
  const answer = assert.rejects(client.ask('/v2/public/manifests/v1'), { code: 'UPSTREAM_TIMEOUT' });
  await hang.reached();
  client.clock.advance(15_000);
  await answer;
  assert.equal(await client.metric('larder_upstream_requests_total', { kind: 'token', code: 'timeout' }), 1);
});

test('without the token server, requests that need no token are served', async () => {
  await using upstream = await start({ publicWithoutToken: true, token: { at: 'own-port' } });
  await using client = clientOf(upstream);
  await client.ask('/v2/private/manifests/v1');
  await upstream.tokenServer?.refuse();
  client.clock.advance(300_000);
  assert.equal((await client.ask('/v2/public/manifests/v1')).status, 200);
  await assert.rejects(client.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_UNREACHABLE' });
});

test('a caller speaks with its own Authorization, and its 401 is its answer', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream, { login: 'alice:secret' });
  const answer = await client.ask({ path: '/v2/private/manifests/v1', caller: 'Bearer stale' });
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.challenges, [
    `Bearer realm="${upstream.url}/token",service="test-registry",scope="repository:private:pull",error="invalid_token"`,
  ]);
  assert.deepEqual(
    upstream.requests.map(({ authorization }) => authorization.raw),
    ['Bearer stale'],
  );
});

test('a ping is sent as a client sends it, so that its challenge can be passed on', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await client.ask('/v2/public/manifests/v1');
  upstream.reset();
  const answer = await client.ask('/v2/');
  assert.deepEqual(answer.challenges, [`Bearer realm="${upstream.url}/token",service="test-registry"`]);
  assert.deepEqual(asked(upstream), ['GET ping 401 none', 'GET token 200 none', 'GET ping 200 anonymous']);
});

test('Basic is answered with the login, at once from the second repository on', async () => {
  await using upstream = await start({ auth: 'basic' });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  await client.ask('/v2/private/manifests/v1');
  await client.ask('/v2/public/manifests/v1');
  assert.deepEqual(asked(upstream), [
    'GET manifest 401 none',
    'GET manifest 200 alice',
    'GET manifest 200 alice',
  ]);
});

test('Basic without or with a wrong login', async () => {
  await using upstream = await start({ auth: 'basic' });
  await using anonymous = clientOf(upstream);
  const answer = await anonymous.ask('/v2/private/manifests/v1');
  assert.deepEqual([answer.status, answer.challenges], [401, ['Basic realm="Test registry"']]);
  await using wrong = clientOf(upstream, { login: 'alice:wrong' });
  await assert.rejects(wrong.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
  await using bob = clientOf(upstream, { login: 'bob:word' });
  await assert.rejects(bob.ask('/v2/private/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
});
