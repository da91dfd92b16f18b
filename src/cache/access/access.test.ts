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
  /** The upstream's current answer. */
  answer: FakeAnswer;
  /** A requester with this header; without one an anonymous requester. */
  readonly requesterFor: (authorization?: string, repository?: string) => Requester;
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
    requesterFor: (authorization, repository = 'team/app') =>
      access.requesterFor(
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
  ['an anonymous caller', undefined],
  ['a caller with a header', 'Bearer good'],
] as const) {
  describe(`the access of ${who}`, () => {
    test('is proven by a 2xx of the registry for content, for proofLifetime', async () => {
      const { requesterFor, clock } = setting();
      assert.equal(requesterFor(authorization).hasLiveProof(), false);
      await ask(requesterFor(authorization));
      assert.equal(requesterFor(authorization).hasLiveProof(), true);
      assert.equal(requesterFor(authorization, 'team/other').hasLiveProof(), false);
      clock.advance(FIVE_MINUTES - 1);
      assert.equal(requesterFor(authorization).hasLiveProof(), true);
      clock.advance(1);
      assert.equal(requesterFor(authorization).hasLiveProof(), false);
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
        await ask(here.requesterFor(authorization), kind);
        assert.equal(here.requesterFor(authorization).hasLiveProof(), proven, `${kind} ${answer.status}`);
      }
    });

    for (const status of [401, 403]) {
      test(`ends at once with a ${status}, also of a list, and ends lists from before`, async () => {
        const here = setting();
        await ask(here.requesterFor(authorization));
        const at = here.clock.now();
        assert.equal(here.requesterFor(authorization).isStillValid(at), true);
        here.clock.advance(10);
        here.answer = { status, challenges: ['Bearer realm="https://r.example/token"'] };
        await ask(here.requesterFor(authorization), 'tags');
        assert.equal(here.requesterFor(authorization).hasLiveProof(), false);
        assert.equal(here.requesterFor(authorization).mayUseDuringOutage(), false);
        assert.equal(here.requesterFor(authorization).isStillValid(at), false);
        assert.equal(here.requesterFor(authorization).isStillValid(here.clock.now() + 1), true);
      });
    }

    test('in an outage lasts as long as the proof when private, and for staleIfError when public', async () => {
      const { requesterFor, clock } = setting();
      await ask(requesterFor(authorization));
      clock.advance(FIVE_MINUTES);
      assert.equal(requesterFor(authorization).mayUseDuringOutage(), authorization === undefined);
      clock.advance(24 * 3_600_000 - FIVE_MINUTES + 1);
      assert.equal(requesterFor(authorization).mayUseDuringOutage(), false);
    });

    test('is asked for each time with a proofLifetime of 0', async () => {
      const { requesterFor } = setting({ authentication: { proofLifetime: '0s' } });
      await ask(requesterFor(authorization));
      assert.equal(requesterFor(authorization).hasLiveProof(), false);
    });
  });
}

describe('anonymous callers', () => {
  test('are challenged from memory for 5 s after a 401, for all of the repository, and then asked for again', async () => {
    const here = setting();
    const challenges = ['Bearer realm="https://r.example/token",scope="repository:team/app:pull"'];
    here.answer = { status: 401, challenges };
    await ask(here.requesterFor());
    here.answer = { status: 200 };
    here.clock.advance(4999);
    const requester = here.requesterFor();
    const remembered = await ask(requester, 'blob');
    assert.deepEqual([remembered.status, remembered.challenges], [401, challenges]);
    assert.equal(requester.decision, 'challenged');
    assert.equal(here.client.requests.length, 1);
    await ask(here.requesterFor(undefined, 'team/other'));
    assert.equal(here.client.requests.length, 2);
    here.clock.advance(1);
    assert.equal((await ask(here.requesterFor())).status, 200);
    assert.equal(here.requesterFor().hasLiveProof(), true);
  });

  test('get no access from the proof of a caller with a header, nor the other way round', async () => {
    const here = setting();
    await ask(here.requesterFor('Bearer good'));
    assert.equal(here.requesterFor().hasLiveProof(), false);
    assert.equal(here.requesterFor('Bearer other').hasLiveProof(), false);
    await ask(here.requesterFor(undefined, 'team/public'));
    assert.equal(here.requesterFor('Bearer good', 'team/public').hasLiveProof(), false);
    assert.equal(
      here.requesterFor('Bearer good', 'team/public').mayUseDuringOutage(),
      true,
      'in an outage they could drop the header',
    );
  });

  test('keep their access when a caller with a wrong header is refused', async () => {
    const here = setting();
    await ask(here.requesterFor());
    here.answer = { status: 401 };
    await ask(here.requesterFor('Bearer wrong'));
    assert.equal(here.requesterFor().hasLiveProof(), true);
  });

  test('have no proof after the clock was set back to before it', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const destination = destinationOf(fakeUpstream(() => ({})));
    store.setPublic({ upstream: 'r.example', repository: destination.repository }, clock.now() + 1);
    const requester = createAccess({ store, clock }).requesterFor(destination, undefined);
    assert.equal(requester.hasLiveProof(), false);
    assert.equal(requester.mayUseDuringOutage(), false);
  });
});

describe('a caller with a header', () => {
  test('is asked for with that header, its fingerprint, and whether the upstream accepted it elsewhere', async () => {
    const { requesterFor, client, access } = setting();
    await ask(requesterFor('Bearer good'));
    await ask(requesterFor('Bearer good', 'team/other'));
    const credentialId = access.credentialIdOf('Bearer good');
    assert.deepEqual(
      client.requests.map(({ credential }) => credential),
      [false, true].map((knownGood) => ({
        kind: 'caller',
        authorization: 'Bearer good',
        credentialId,
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
    assert.equal((await ask(here.requesterFor('Basic YTpi'))).status, 403);
    assert.equal((await ask(here.requesterFor('Bearer abc'))).status, 401);
    here.answer = { status: 401, challenges: ['Bearer realm="https://r.example/token"'] };
    assert.equal((await ask(here.requesterFor('Basic YTpi'))).status, 401);
  });

  test('whose token says when it ends is proven until then at most', async () => {
    const here = setting();
    const claims = Buffer.from(JSON.stringify({ exp: here.clock.now() / 1000 + 60 })).toString('base64url');
    const authorization = `Bearer aa.${claims}.bb`;
    await ask(here.requesterFor(authorization));
    const at = here.clock.now();
    here.clock.advance(59_999);
    assert.equal(here.requesterFor(authorization).hasLiveProof(), true);
    here.clock.advance(1);
    assert.equal(here.requesterFor(authorization).hasLiveProof(), false);
    assert.equal(here.requesterFor(authorization).isStillValid(at), false);
  });

  test('with nothing to present is served in outageGrace of an earlier proof, and never asked for', async () => {
    const here = setting({ authentication: { realm: 'Cache', outageGrace: '1h' } });
    const destination = destinationOf(here.client, {
      authentication: { realm: 'Cache', outageGrace: '1h' },
    });
    const credentialId = here.access.credentialIdOf('alice', 'secret');
    await ask(here.access.requesterFor(destination, { authorization: 'Bearer t1', credentialId }));
    const { upstream, repository } = destination;
    here.clock.advance(3_600_000);
    const later = here.access.requesterFor(destination, { authorization: undefined, credentialId });
    assert.equal(later.mayUseDuringOutage(), true);
    assert.equal(here.access.mayUseDuringOutage(upstream, repository, credentialId), true);
    await assert.rejects(ask(later), (error) => isLarderError(error, 'UPSTREAM_UNREACHABLE'));
    assert.equal(here.client.requests.length, 1);
    here.access.refuse(upstream, credentialId);
    assert.equal(later.mayUseDuringOutage(), false);
    assert.equal(here.access.mayUseDuringOutage(upstream, repository, credentialId), false);
  });
});

test('in mode Shared everyone has access, and is asked for with the configured credential', async () => {
  const { requesterFor, client } = setting({ secretReferenceName: 'login' });
  const requester = requesterFor('Bearer whatever');
  assert.equal(requester.hasLiveProof(), true);
  await ask(requester);
  assert.deepEqual(client.requests[0]?.credential, { kind: 'own' });
  assert.equal(requester.decision, 'shared');
});
