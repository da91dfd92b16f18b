/** Differences between the registries in the field that concern the upstream client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageOf, startUpstream, type Upstream, type UpstreamOptions } from '../kit/index.ts';
import { clientOf } from './client.ts';

const image = imageOf({ layers: [70_000] });
const layer = image.blobs.find(({ size }) => size === 70_000)?.digest ?? '';
const MANIFEST = '/v2/team/app/manifests/v1';
const BLOB = `/v2/team/app/blobs/${layer}`;

async function start(options: UpstreamOptions): Promise<Upstream> {
  const upstream = await startUpstream({ auth: 'bearer', users: { alice: 'secret' }, ...options });
  upstream.push('team/app', image, 'v1');
  upstream.push('team/secret', image, 'v1');
  upstream.setAccess('team/secret', { readers: ['alice'] });
  return upstream;
}

test('Docker Hub: 307 to storage that refuses Authorization, remaining pulls in a header, 401 for what is missing', async () => {
  await using upstream = await start({ redirect: {}, hidesUnknown: true });
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({
    match: { kind: 'manifest' },
    headers: { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '20;w=21600' },
  });
  await client.ask(MANIFEST);
  assert.equal(await client.metric('larder_ratelimit_remaining', { upstream_host: upstream.host }), 20);
  const blob = await client.ask(BLOB);
  assert.deepEqual([blob.status, blob.body.length], [200, 70_000]);
  assert.deepEqual(
    upstream.requests.filter(({ kind }) => kind === 'cdn').map(({ headers }) => headers.authorization),
    [undefined],
  );
  assert.equal((await client.ask('/v2/team/missing/manifests/v1')).status, 401);
});

test('GHCR: HEAD of a signed address is 403, so the size comes from the first byte of a GET', async () => {
  await using upstream = await start({ redirect: { refuseHead: true } });
  await using client = clientOf(upstream);
  const head = await client.ask({ method: 'HEAD', path: BLOB });
  assert.deepEqual(
    [head.status, head.contentLength, head.headers['content-length'], head.body.length],
    [200, 70_000, '70000', 0],
  );
  assert.equal(head.headers['content-range'], undefined);
  assert.ok(upstream.bodyBytes({ kind: 'cdn' }) <= 1);
});

test('GHCR: a wrong login is denied even for public content', async () => {
  await using upstream = await start({ challenge: { deniesForeignCredentials: true } });
  await using client = clientOf(upstream, { login: 'alice:wrong' });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
});

test('Quay: public content needs no token, and the challenge names no scope', async () => {
  await using upstream = await start({
    publicWithoutToken: true,
    challenge: { withoutScope: true },
    token: { expiresIn: 'absent' },
  });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  assert.equal((await client.ask('/v2/team/secret/manifests/v1')).status, 200);
  assert.equal(
    upstream.requests.find(({ kind }) => kind === 'token')?.query.get('scope'),
    'repository:team/secret:pull',
  );
  await using anonymous = clientOf(upstream);
  upstream.reset();
  assert.equal((await anonymous.ask(MANIFEST)).status, 200);
  assert.equal(upstream.count(), 1);
});

test('Artifact Registry: a relative redirect on the same host, which must go without Authorization; no POST', async () => {
  await using upstream = await start({
    redirect: { to: 'same-origin', status: 302 },
    token: { post: 404 },
    challenge: { relativeRealm: true },
  });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  const answer = await client.ask({ path: BLOB, range: { start: 10, end: 20 } });
  assert.deepEqual(
    [answer.status, answer.headers['content-range'], answer.body.length],
    [206, 'bytes 10-19/70000', 10],
  );
  const [signed] = upstream.requests.filter(({ kind }) => kind === 'cdn');
  assert.deepEqual([signed?.headers.authorization, signed?.headers.range], [undefined, 'bytes=10-19']);
});

test('ECR Public: one scope for everything, 400 for a token that expired, 401 to HEAD of a blob', async () => {
  await using upstream = await start({ challenge: { fixedScope: 'aws', badTokenStatus: 400 } });
  await using client = clientOf(upstream);
  await client.ask(MANIFEST);
  upstream.tokens.revoke();
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.deepEqual(
    upstream.tokens.issued.map(({ scopes }) => [...scopes]),
    [['aws'], ['aws']],
  );
  using _ = upstream.faults.add({ match: { kind: 'blob', method: 'HEAD' }, status: 401 });
  const head = await client.ask({ method: 'HEAD', path: BLOB });
  assert.deepEqual([head.status, head.contentLength], [200, 70_000]);
});

test('ECR Public: a 400 that is not about tokens is an answer', async () => {
  await using upstream = await start({ challenge: { fixedScope: 'aws' } });
  await using client = clientOf(upstream);
  await client.ask(MANIFEST);
  using _ = upstream.faults.add({ match: { kind: 'manifest' }, status: 400 });
  upstream.reset();
  assert.equal((await client.ask(MANIFEST)).status, 400);
  assert.deepEqual([upstream.count({ kind: 'manifest' }), upstream.count({ kind: 'token' })], [2, 1]);
});

test('ACR: storage on another host that refuses Authorization, a token under another name', async () => {
  await using upstream = await start({
    redirect: { host: '127.0.0.2' },
    token: { field: 'access_token', post: 400 },
  });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  assert.equal((await client.ask(BLOB)).body.length, 70_000);
});

test('GitLab: the token server is another origin and answers 403 to a wrong login', async () => {
  await using upstream = await start({ token: { at: 'own-port', refusalStatus: 403 } });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  assert.equal((await client.ask('/v2/team/secret/manifests/v1')).status, 200);
  await using wrong = clientOf(upstream, { login: 'alice:wrong' });
  await assert.rejects(wrong.ask('/v2/team/secret/manifests/v1'), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
});

test('Harbor: a refused token is answered with Basic, which neither gets the password nor the client', async () => {
  await using upstream = await start({ challenge: { basicAfterRefusal: true }, token: { post: 403 } });
  await using client = clientOf(upstream, { login: 'alice:secret' });
  await client.ask(MANIFEST);
  upstream.tokens.revoke();
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.equal(upstream.count({ kind: 'manifest', authorization: 'basic' }), 0);
  await using anonymous = clientOf(upstream);
  const answer = await anonymous.ask('/v2/team/secret/manifests/v1');
  assert.equal(answer.status, 401);
  assert.match(
    answer.challenges.join('\n'),
    /^Bearer realm="[^"]+",service="test-registry",scope="repository:team\/secret:pull"$/,
  );
});

test('odd challenges: unquoted, and Basic beside Bearer in two ways', async () => {
  for (const challenge of [
    { unquoted: true },
    { alsoBasic: 'own-line' },
    { alsoBasic: 'same-line' },
  ] as const) {
    await using upstream = await start({ challenge });
    await using client = clientOf(upstream, { login: 'alice:secret' });
    assert.equal((await client.ask('/v2/team/secret/manifests/v1')).status, 200);
    assert.equal(upstream.count({ kind: 'manifest', authorization: 'basic' }), 0);
  }
});

test('MCR: no challenge, blobs at another host', async () => {
  await using upstream = await start({ auth: 'none', redirect: {} });
  await using client = clientOf(upstream);
  await client.ask(MANIFEST);
  assert.equal((await client.ask(BLOB)).body.length, 70_000);
  assert.equal(upstream.count(), 3);
});

test('registry.k8s.io: everything is redirected to a registry that may challenge, and gets an anonymous token of its own', async () => {
  await using regional = await start({});
  await using front = await start({ auth: 'none' });
  using _ = front.faults.add({ status: 307, headers: { location: `${regional.url}${MANIFEST}` } });
  await using client = clientOf(front, { login: 'alice:secret' });
  const answer = await client.ask(MANIFEST);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.challenges, []);
  assert.deepEqual(
    regional.requests.map(({ kind, status, authorization }) => [kind, status, authorization.user]),
    [
      ['manifest', 401, undefined],
      ['token', 200, undefined],
      ['manifest', 200, 'anonymous'],
    ],
  );
  assert.ok(
    [...front.requests, ...regional.requests].every(
      ({ headers }) => !headers.authorization?.startsWith('Basic'),
    ),
  );
});
