import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import {
  identityTokenCredential,
  passwordCredential,
  type Credential,
} from '../../src/upstream/credentials/credential.ts';
import type { LoginAnswer } from '../../src/upstream/types.ts';
import { imageOf, startUpstream, type Upstream, type UpstreamOptions } from '../kit/index.ts';
import { clientOf, type TestClient } from './client.ts';

const image = imageOf({ layers: [1000] });
const ALICE = passwordCredential('alice', 'se:cret');
const WRONG = passwordCredential('alice', 'wrong');

/** A registry with `public` and `private`, which alice may read. */
async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream({ auth: 'bearer', users: { alice: 'se:cret' }, ...options });
  for (const name of ['public', 'private']) upstream.push(name, image, 'v1');
  upstream.setAccess('private', { readers: ['alice'] });
  return upstream;
}

function logIn(client: TestClient, credential: Credential, ...repositories: string[]): Promise<LoginAnswer> {
  return client.logIn({ credential, repositories: repositories.map(parseRepositoryName) });
}

/** The requests to the registry: method, kind, status, credential. */
function asked(upstream: Upstream): string[] {
  return upstream.requests.map(({ method, kind, status, authorization }) =>
    [method, kind, status, authorization.user ?? authorization.kind].join(' '),
  );
}

test("a caller's password buys a token that the registry takes, after one anonymous request for the challenge", async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const answer = await logIn(client, ALICE, 'private');
  assert.equal(answer.kind, 'accepted');
  const { authorization, lifeMs } = answer as LoginAnswer & { kind: 'accepted' };
  assert.equal(lifeMs, 290_000, 'of 300 s, less the margin for clocks and ways');
  assert.deepEqual(asked(upstream), ['HEAD manifest 401 none', 'GET token 200 alice']);
  assert.equal((await client.ask({ path: '/v2/private/manifests/v1', caller: authorization })).status, 200);

  upstream.reset();
  await logIn(client, ALICE, 'public');
  assert.deepEqual(asked(upstream), ['GET token 200 alice'], 'the challenge is foreseen');
});

test("a caller's token is neither kept for other callers nor for Larder's own requests", async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  await logIn(client, ALICE, 'private');
  upstream.reset();
  assert.equal((await client.ask('/v2/private/manifests/v1')).status, 401);
  await logIn(client, ALICE, 'private');
  assert.equal(upstream.count({ kind: 'token', user: 'alice' }), 1, 'each login is a request of its own');
});

test('a wrong password is refused as the token server answers, and again for 5 s without a request', async () => {
  for (const refusalStatus of [401, 403] as const) {
    await using upstream = await start({ token: { refusalStatus } });
    await using client = clientOf(upstream);
    for (let count = 0; count < 3; count += 1) {
      assert.deepEqual(await logIn(client, WRONG, 'private'), { kind: 'refused', status: refusalStatus });
    }
    assert.equal(upstream.count({ kind: 'token' }), 1);
    assert.equal((await logIn(client, ALICE, 'private')).kind, 'accepted', 'another credential is asked for');
    client.clock.advance(5_000);
    await logIn(client, WRONG, 'private');
    assert.equal(upstream.count({ kind: 'token', status: refusalStatus }), 2);
  }
});

test('a wrong password is also refused where anonymous callers may read without a token', async () => {
  await using upstream = await start({ publicWithoutToken: true });
  await using client = clientOf(upstream);
  assert.deepEqual(await logIn(client, WRONG, 'public'), { kind: 'refused', status: 401 });
  assert.equal((await logIn(client, ALICE, 'public')).kind, 'accepted');
});

test('a login without repositories is checked against the challenge of /v2/', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  assert.equal((await logIn(client, ALICE)).kind, 'accepted');
  assert.equal((await logIn(client, WRONG)).kind, 'refused');
  assert.deepEqual(asked(upstream).slice(0, 2), ['GET ping 401 none', 'GET token 200 alice']);
});

test('one token covers several repositories', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const answer = await logIn(client, ALICE, 'private', 'public');
  const { authorization } = answer as LoginAnswer & { kind: 'accepted' };
  for (const name of ['private', 'public'])
    assert.equal((await client.ask({ path: `/v2/${name}/manifests/v1`, caller: authorization })).status, 200);
  assert.equal(upstream.count({ kind: 'token' }), 1);
});

test('an identity token goes by POST; an invalid one is refused, whatever 4xx the answer is', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  const good = identityTokenCredential('refresh-token-of-alice');
  assert.equal((await logIn(client, good, 'private')).kind, 'accepted');
  assert.equal(upstream.count({ kind: 'token', method: 'POST' }), 1);
  upstream.faults.add({ match: { kind: 'token' }, status: 400 });
  assert.deepEqual(await logIn(client, identityTokenCredential('old'), 'private'), {
    kind: 'refused',
    status: 401,
  });
});

test('a server that answers only POST gets the password by POST', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  upstream.faults.add({ match: { kind: 'token', method: 'GET' }, status: 405 });
  assert.equal((await logIn(client, ALICE, 'private')).kind, 'accepted');
  assert.equal(upstream.count({ kind: 'token', method: 'POST', status: 200 }), 1);
});

test('a registry that wants Basic gets the password once as a test, and the login is that password', async () => {
  await using upstream = await start({ auth: 'basic' });
  await using client = clientOf(upstream);
  const answer = await logIn(client, ALICE, 'private');
  const header = `Basic ${Buffer.from('alice:se:cret').toString('base64')}`;
  assert.deepEqual(answer, { kind: 'accepted', authorization: header, lifeMs: undefined });
  assert.deepEqual(asked(upstream), ['HEAD manifest 401 none', 'GET ping 200 alice']);
  for (let count = 0; count < 3; count += 1)
    assert.deepEqual(await logIn(client, WRONG, 'private'), { kind: 'refused', status: 401 });
  assert.equal(upstream.count({ kind: 'ping' }), 2);
  assert.equal((await logIn(client, identityTokenCredential('x'), 'private')).kind, 'refused');
});

test('a registry without any login is open', async () => {
  await using upstream = await start({ auth: 'none' });
  await using client = clientOf(upstream);
  assert.deepEqual(await logIn(client, ALICE, 'public'), { kind: 'open' });
  assert.equal(upstream.count({ user: 'alice' }), 0, 'the password was sent');
});

test('a failure of the token server or the registry is thrown, and never taken for a decision', async () => {
  await using upstream = await start();
  await using client = clientOf(upstream);
  {
    using _ = upstream.faults.add({ match: { kind: 'token' }, status: 503 });
    await assert.rejects(logIn(client, ALICE, 'private'), { code: 'UPSTREAM_5XX' });
  }
  {
    using _ = upstream.faults.add({ match: { kind: 'token' }, status: 429, retryAfter: 7 });
    await assert.rejects(logIn(client, ALICE, 'private'), { code: 'UPSTREAM_RATE_LIMITED' });
  }
  upstream.reset();
  await assert.rejects(logIn(client, ALICE, 'private'), { code: 'UPSTREAM_RATE_LIMITED' });
  assert.equal(upstream.count(), 0, 'the 429 has not passed');
  assert.equal((await logIn(client, passwordCredential('alice', 'other'), 'private')).kind, 'refused');
  client.clock.advance(7_000);
  await upstream.refuse();
  await assert.rejects(logIn(client, ALICE, 'private'), { code: 'UPSTREAM_UNREACHABLE' });
});
