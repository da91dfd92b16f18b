/** A caller's own credential at any registry: refusals, rate limits, and learned challenges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic, type Upstream } from '../kit/index.ts';
import { clientOf } from './client.ts';
import { bearer, BLOB, LAYER_SIZE, MANIFEST, SCOPE, startTeamApp } from './team-app.ts';

const AWS = { fixedScope: 'aws', badTokenStatus: 400 } as const;

function challenge(
  upstream: Upstream,
  { scope = SCOPE, error }: { scope?: string; error?: string } = {},
): string {
  const reason = error === undefined ? '' : `,error="${error}"`;
  return `Bearer realm="${upstream.url}/token",service="test-registry",scope="${scope}"${reason}`;
}

test('a header that was good elsewhere is refused for its scope, unless the registry gives a reason itself', async () => {
  for (const [withoutError, error] of [
    [true, 'insufficient_scope'],
    [false, 'invalid_token'],
  ] as const) {
    await using upstream = await startTeamApp({ challenge: { withoutError } });
    await using client = clientOf(upstream);
    const answer = await client.ask({ path: MANIFEST, caller: 'Bearer junk', knownGood: true });
    assert.deepEqual(answer.challenges, [challenge(upstream, { error })]);
  }
});

test('for a token with too small a scope, the error of the registry stays', async () => {
  await using upstream = await startTeamApp();
  await using client = clientOf(upstream);
  const caller = bearer(upstream, { scope: 'repository:other:pull' });
  const { challenges } = await client.ask({ path: MANIFEST, caller });
  assert.deepEqual(challenges, [challenge(upstream, { error: 'insufficient_scope' })]);
});

test('a token that was good elsewhere and is answered 400 has expired since', async () => {
  await using upstream = await startTeamApp({ challenge: AWS });
  await using client = clientOf(upstream);
  const answer = await client.ask({ path: MANIFEST, caller: 'Bearer junk', knownGood: true });
  assert.deepEqual(
    [answer.status, answer.challenges],
    [401, [challenge(upstream, { scope: 'aws', error: 'invalid_token' })]],
  );
});

test('a 400 stays one for a password, for a query, and where no token is asked for', async () => {
  await using upstream = await startTeamApp({ challenge: AWS });
  await using client = clientOf(upstream);
  assert.equal((await client.ask({ path: MANIFEST, caller: basic('alice', 'secret') })).status, 400);
  assert.equal(
    (await client.ask({ path: '/v2/team/app/tags/list?n=-1', caller: 'Bearer junk' })).status,
    400,
  );
  assert.equal(upstream.count(), 2);
  await using open = await startTeamApp({ auth: 'none' });
  await using other = clientOf(open);
  using _ = open.faults.add({ match: { authorization: 'bearer' }, status: 400 });
  for (const __ of [1, 2]) {
    assert.equal((await other.ask({ path: MANIFEST, caller: 'Bearer junk' })).status, 400);
  }
  assert.equal(open.count(), 3);
});

test('a ping gets the challenge of pings', async () => {
  await using upstream = await startTeamApp({
    challenge: { pingWithoutService: true, bareAfterRefusal: true },
  });
  await using client = clientOf(upstream);
  await client.ask({ path: MANIFEST, caller: null });
  const { status, challenges } = await client.ask({ path: '/v2/', caller: 'Bearer junk' });
  assert.deepEqual(
    [status, challenges],
    [401, [`Bearer realm="${upstream.url}/token",error="invalid_token"`]],
  );
});

test('a registry without a challenge for anonymous requests either is relayed unchanged', async () => {
  await using upstream = await startTeamApp({
    challenge: { basicAfterRefusal: true, basic: 'Basic realm="harbor"' },
  });
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ match: { authorization: 'none' }, status: 429 });
  const answer = await client.ask({ path: MANIFEST, caller: 'Bearer junk' });
  assert.deepEqual([answer.status, answer.challenges], [401, ['Basic realm="harbor"']]);
});

test('answers to a header are not remembered, answers without one are', async () => {
  for (const [caller, first] of [
    ['Bearer junk', 'manifest'],
    [basic('alice', 'wrong'), 'manifest'],
    [null, 'token'],
  ] as const) {
    await using upstream = await startTeamApp({ isPublic: true });
    await using client = clientOf(upstream);
    await client.ask({ path: MANIFEST, caller });
    upstream.reset();
    assert.equal((await client.ask(MANIFEST)).status, 200);
    assert.equal(upstream.requests[0]?.kind, first, String(caller));
  }
});

test('an accepted token does not make the repository one without a challenge', async () => {
  await using upstream = await startTeamApp({ challenge: { bareAfterRefusal: true } });
  await using client = clientOf(upstream);
  assert.equal((await client.ask({ path: MANIFEST, caller: bearer(upstream) })).status, 200);
  const { challenges } = await client.ask({ path: MANIFEST, caller: 'Bearer junk' });
  assert.deepEqual(challenges, [challenge(upstream, { error: 'invalid_token' })]);
});

test('a 429 counts for the credential of the request: repeats are answered without a request', async () => {
  await using upstream = await startTeamApp();
  await using client = clientOf(upstream);
  const [caller, other] = [bearer(upstream), bearer(upstream)];
  const value = caller.replace('Bearer ', '');
  using limit = upstream.faults.add({
    match: { where: ({ headers }) => headers.authorization?.endsWith(value) === true },
    status: 429,
    retryAfter: 30,
  });
  for (const _ of Array(6).keys()) {
    await assert.rejects(client.ask({ path: MANIFEST, caller }), {
      code: 'UPSTREAM_RATE_LIMITED',
      retryAfterSeconds: 30,
    });
  }
  assert.equal(upstream.count(), 1);
  assert.equal((await client.ask({ path: MANIFEST, caller: other })).status, 200);
  assert.equal((await client.ask({ path: MANIFEST, caller: null })).status, 401);
  limit.remove();
  client.clock.advance(30_000);
  assert.equal((await client.ask({ path: MANIFEST, caller })).status, 200);
});

test('a limit of anonymous pulls does not hide the challenge', async () => {
  await using upstream = await startTeamApp({ isPublic: true });
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ match: { user: 'anonymous' }, status: 429, retryAfter: 30 });
  await assert.rejects(client.ask(MANIFEST), { code: 'UPSTREAM_RATE_LIMITED' });
  const { status, challenges } = await client.ask({ path: MANIFEST, caller: null });
  assert.deepEqual([status, challenges], [401, [challenge(upstream)]]);
});

test('ECR Public, which refuses HEAD of any blob, is asked for the first byte; any other registry is not asked twice', async () => {
  for (const [fixedScope, status, requests] of [
    ['aws', 200, 2],
    [undefined, 401, 1],
  ] as const) {
    await using upstream = await startTeamApp({
      redirect: {},
      ...(fixedScope && { challenge: { fixedScope } }),
    });
    await using client = clientOf(upstream);
    using _ = upstream.faults.add({
      match: { kind: 'blob', method: 'HEAD' },
      status: 401,
      headers: { 'www-authenticate': challenge(upstream, { scope: fixedScope ?? SCOPE }) },
    });
    const caller = bearer(upstream, { scope: fixedScope ?? SCOPE });
    const head = await client.ask({ method: 'HEAD', path: BLOB, caller });
    assert.equal(head.status, status);
    if (status === 200) assert.equal(head.contentLength, LAYER_SIZE);
    assert.equal(upstream.count({ kind: 'blob' }), requests);
    assert.equal((await client.ask({ method: 'HEAD', path: BLOB, caller: null })).status, 401);
    assert.equal(upstream.count({ kind: 'blob' }), requests + 1);
  }
});

test('ECR Public: HEAD of a blob with a token that expired is 401 with the reason', async () => {
  await using upstream = await startTeamApp({ challenge: AWS });
  await using client = clientOf(upstream);
  using _ = upstream.faults.add({ match: { method: 'HEAD', authorization: 'bearer' }, status: 401 });
  const { status, challenges } = await client.ask({ method: 'HEAD', path: BLOB, caller: 'Bearer junk' });
  assert.deepEqual(
    [status, challenges],
    [401, [challenge(upstream, { scope: 'aws', error: 'invalid_token' })]],
  );
});

test('HEAD of a signed address that is good for GET only gives the size to callers, too', async () => {
  await using upstream = await startTeamApp({ redirect: { refuseHead: true } });
  await using client = clientOf(upstream);
  const head = await client.ask({ method: 'HEAD', path: BLOB, caller: bearer(upstream) });
  assert.deepEqual([head.status, head.contentLength], [200, LAYER_SIZE]);
  assert.equal(upstream.count({ kind: 'cdn', authorization: 'bearer' }), 0);
});
