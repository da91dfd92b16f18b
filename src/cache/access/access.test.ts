import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeUpstream, type FakeAnswer, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { destinationOf } from '../../../test/cache/target.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { UpstreamRequestKind } from '../../upstream/types.ts';
import { createAccess, type Access } from './access.ts';
import type { Requester } from './requester.ts';

const FIVE_MINUTES = 300_000;

interface Setting {
  readonly access: Access;
  readonly clock: ManualClock;
  readonly client: FakeUpstream;
  /** What the upstream answers from now on. */
  answer: FakeAnswer;
  /** A requester with this header; nobody in particular without. */
  readonly visit: (authorization?: string, repository?: string) => Requester;
}

function setting(cache: Record<string, unknown> = {}): Setting {
  const clock = new ManualClock();
  const access = createAccess({ store: new MemoryStore(() => clock.now()), clock });
  const client = fakeUpstream(() => self.answer);
  const self: Setting = {
    access,
    clock,
    client,
    answer: { status: 200 },
    visit: (authorization, repository = 'team/app') =>
      access.visit(
        destinationOf(client, cache, repository),
        authorization === undefined ? undefined : access.presented(authorization),
      ),
  };
  return self;
}

async function ask(requester: Requester, kind: UpstreamRequestKind = 'manifest') {
  const response = await requester.request({
    method: 'HEAD',
    kind,
    path: '/v2/team/app/manifests/v1',
    signal: new AbortController().signal,
  });
  response.body.destroy();
  return response;
}

for (const [who, authorization] of [
  ['nobody in particular', undefined],
  ['a caller with a header', 'Bearer good'],
] as const) {
  describe(`the access of ${who}`, () => {
    test('is proven by a 2xx of the registry for content, for proofLifetime', async () => {
      const { visit, clock } = setting();
      assert.equal(visit(authorization).proven(), false);
      await ask(visit(authorization));
      assert.equal(visit(authorization).proven(), true);
      assert.equal(visit(authorization, 'team/other').proven(), false);
      clock.advance(FIVE_MINUTES - 1);
      assert.equal(visit(authorization).proven(), true);
      clock.advance(1);
      assert.equal(visit(authorization).proven(), false);
    });

    test('is proven by parts of blobs, and not by lists, nor by a 404', async () => {
      for (const [kind, answer, proven] of [
        ['blob', { status: 200 }, true],
        ['range', { status: 206 }, true],
        ['tags', { status: 200 }, false],
        ['referrers', { status: 200 }, false],
        ['manifest', { status: 404 }, false],
      ] as const) {
        const here = setting();
        here.answer = answer;
        await ask(here.visit(authorization), kind);
        assert.equal(here.visit(authorization).proven(), proven, `${kind} ${answer.status}`);
      }
    });

    for (const status of [401, 403]) {
      test(`ends at once with a ${status}, also of a list, and holds no list from before`, async () => {
        const here = setting();
        await ask(here.visit(authorization));
        const at = here.clock.now();
        assert.equal(here.visit(authorization).holds(at), true);
        here.clock.advance(10);
        here.answer = { status, challenges: ['Bearer realm="https://r.example/token"'] };
        await ask(here.visit(authorization), 'tags');
        assert.equal(here.visit(authorization).proven(), false);
        assert.equal(here.visit(authorization).mayBridge(), false);
        assert.equal(here.visit(authorization).holds(at), false);
        assert.equal(here.visit(authorization).holds(here.clock.now() + 1), true);
      });
    }

    test('in an outage lasts as long as the proof when private, and for staleIfError when public', async () => {
      const { visit, clock } = setting();
      await ask(visit(authorization));
      clock.advance(FIVE_MINUTES);
      assert.equal(visit(authorization).mayBridge(), authorization === undefined);
      clock.advance(24 * 3_600_000 - FIVE_MINUTES + 1);
      assert.equal(visit(authorization).mayBridge(), false);
    });

    test('is asked for each time with a proofLifetime of 0', async () => {
      const { visit } = setting({ authentication: { proofLifetime: '0s' } });
      await ask(visit(authorization));
      assert.equal(visit(authorization).proven(), false);
    });
  });
}

describe('strangers', () => {
  test('are challenged from memory for 5 s after a 401, for all of the repository, and then asked for again', async () => {
    const here = setting();
    const challenges = ['Bearer realm="https://r.example/token",scope="repository:team/app:pull"'];
    here.answer = { status: 401, challenges };
    await ask(here.visit());
    here.answer = { status: 200 };
    here.clock.advance(4999);
    const requester = here.visit();
    const remembered = await ask(requester, 'blob');
    assert.deepEqual([remembered.status, remembered.challenges], [401, challenges]);
    assert.equal(requester.decision, 'challenged');
    assert.equal(here.client.requests.length, 1);
    await ask(here.visit(undefined, 'team/other'));
    assert.equal(here.client.requests.length, 2);
    here.clock.advance(1);
    assert.equal((await ask(here.visit())).status, 200);
    assert.equal(here.visit().proven(), true);
  });

  test('are not let in because somebody with a header was, nor the other way round', async () => {
    const here = setting();
    await ask(here.visit('Bearer good'));
    assert.equal(here.visit().proven(), false);
    assert.equal(here.visit('Bearer other').proven(), false);
    await ask(here.visit(undefined, 'team/public'));
    assert.equal(here.visit('Bearer good', 'team/public').proven(), false);
    assert.equal(
      here.visit('Bearer good', 'team/public').mayBridge(),
      true,
      'in an outage they could drop the header',
    );
  });

  test('stay let in when somebody with a wrong header is refused', async () => {
    const here = setting();
    await ask(here.visit());
    here.answer = { status: 401 };
    await ask(here.visit('Bearer wrong'));
    assert.equal(here.visit().proven(), true);
  });

  test('are not known to be let in when the clock was set back behind the proof', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const destination = destinationOf(fakeUpstream(() => ({})));
    store.setPublic({ upstream: 'r.example', repository: destination.repository }, clock.now() + 1);
    const requester = createAccess({ store, clock }).visit(destination, undefined);
    assert.equal(requester.proven(), false);
    assert.equal(requester.mayBridge(), false);
  });
});

describe('a caller with a header', () => {
  test('is asked for with that header and the name of it, and with the word that it was good elsewhere', async () => {
    const { visit, client, access } = setting();
    await ask(visit('Bearer good'));
    await ask(visit('Bearer good', 'team/other'));
    const account = access.accountOf('Bearer good');
    assert.deepEqual(
      client.requests.map(({ credential }) => credential),
      [false, true].map((knownGood) => ({
        kind: 'caller',
        authorization: 'Bearer good',
        credentialId: account,
        knownGood,
      })),
    );
    assert.deepEqual(
      client.requests.map(({ repository }) => repository),
      ['team/app', 'team/other'],
    );
  });

  test('with a refused Basic login gets 403, and 401 where a Bearer token could follow', async () => {
    const here = setting();
    here.answer = { status: 401, challenges: ['Basic realm="x"'] };
    assert.equal((await ask(here.visit('Basic YTpi'))).status, 403);
    assert.equal((await ask(here.visit('Bearer abc'))).status, 401);
    here.answer = { status: 401, challenges: ['Bearer realm="https://r.example/token"'] };
    assert.equal((await ask(here.visit('Basic YTpi'))).status, 401);
  });

  test('whose token says when it ends is proven until then at most', async () => {
    const here = setting();
    const claims = Buffer.from(JSON.stringify({ exp: here.clock.now() / 1000 + 60 })).toString('base64url');
    const authorization = `Bearer aa.${claims}.bb`;
    await ask(here.visit(authorization));
    const at = here.clock.now();
    here.clock.advance(59_999);
    assert.equal(here.visit(authorization).proven(), true);
    here.clock.advance(1);
    assert.equal(here.visit(authorization).proven(), false);
    assert.equal(here.visit(authorization).holds(at), false);
  });

  test('with nothing to present is served in outageGrace of an earlier proof, and never asked for', async () => {
    const here = setting({ authentication: { realm: 'Cache', outageGrace: '1h' } });
    const destination = destinationOf(here.client, {
      authentication: { realm: 'Cache', outageGrace: '1h' },
    });
    const account = here.access.accountOf('alice', 'secret');
    await ask(here.access.visit(destination, { authorization: 'Bearer t1', account }));
    const { upstream, repository } = destination;
    here.clock.advance(3_600_000);
    const later = here.access.visit(destination, { authorization: undefined, account });
    assert.equal(later.mayBridge(), true);
    assert.equal(here.access.mayBridge(upstream, repository, account), true);
    await assert.rejects(ask(later), (error) => isLarderError(error, 'UPSTREAM_UNREACHABLE'));
    assert.equal(here.client.requests.length, 1);
    here.access.refuse(upstream, account);
    assert.equal(later.mayBridge(), false);
    assert.equal(here.access.mayBridge(upstream, repository, account), false);
  });
});

test('in mode Shared everyone is let in, and asked for with the configured credential', async () => {
  const { visit, client } = setting({ secretReferenceName: 'login' });
  const requester = visit('Bearer whatever');
  assert.equal(requester.proven(), true);
  await ask(requester);
  assert.deepEqual(client.requests[0]?.credential, { kind: 'own' });
  assert.equal(requester.decision, 'shared');
});
