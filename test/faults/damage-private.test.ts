/** Damaged private content is repaired in the caller's name, and other callers learn nothing (docs/laws.md, "Right bytes" and "Right caller"). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  blobOf,
  get,
  logIn,
  startUpstream,
  waitFor,
  type LarderProcess,
  type Login,
  type TestBlob,
} from '../kit/index.ts';
import { blobPath } from '../store/paths.ts';
import { damage, flipByte, type Damage } from './damage/kinds.ts';
import { ask, type Span, type Verdict } from './damage/verdict.ts';
import { blobUrl, MiB, startCache } from './setting.ts';

const REPOSITORY = 'team/secret';
const ALICE = { user: 'alice', password: 'correct-horse-1' };
const BOB = { user: 'bob', password: 'battery-staple-2' };

const FLIPPED: Damage = { name: 'flipped', apply: (path) => flipByte(path, 2 * MiB) };

for (const auth of ['basic', 'bearer'] as const) {
  suite(`damaged private content (${auth})`, () => {
    test('is mended with the credential of the caller who asks, and a stranger causes nothing', async () => {
      await using setting = await privateSetting(auth);
      const { upstream, larder, blobs, pull } = setting;
      const blob = blobs[0] as TestBlob;
      damageIn(larder, blob);
      upstream.reset();

      const stranger = await ask(blobUrl(larder, REPOSITORY, blob), blob);
      assert.equal(stranger.verdict, '401');
      assert.equal(upstream.count({ digest: blob.digest, status: [200, 206] }), 0);
      assert.equal(await pull(BOB, blob), 'right');
      const sent = upstream.requests.filter(
        ({ digest, status }) => digest === blob.digest && (status === 200 || status === 206),
      );
      assert.ok(sent.length > 0);
      assert.ok(sent.every(({ authorization }) => authorization.user === BOB.user));
      assert.ok(upstream.bodyBytes({ digest: blob.digest, status: [200, 206] }) < blob.size);
      upstream.reset();
      assert.equal(await pull(ALICE, blob), 'right');
      assert.equal(upstream.bodyBytes({ kind: 'blob', status: [200, 206] }), 0);
    });

    for (const span of [undefined, { start: MiB, end: 3 * MiB }]) {
      const what = span === undefined ? 'whole' : 'range';
      test(`is nothing to a caller whom the upstream has begun to refuse, and right for one who may, asked for as a ${what}`, async () => {
        await using setting = await privateSetting(auth);
        const { upstream, larder, blobs, pull } = setting;
        const [first, second] = blobs as [TestBlob, TestBlob];
        for (const blob of blobs) damageIn(larder, blob);
        upstream.setAccess(REPOSITORY, { readers: [ALICE.user] });
        if (auth === 'bearer') upstream.tokens.revoke(BOB.user);
        upstream.reset();

        const refused = await pull(BOB, first, span);
        assert.match(refused, /^(short|40[134])$/, 'bob, whose proof is older than the refusal');
        assert.match(await pull(BOB, first, span), /^40[134]$/, 'bob again');
        assert.equal(upstream.bodyBytes({ user: BOB.user, kind: 'blob', status: [200, 206] }), 0);
        assert.equal(await pull(ALICE, first, span), 'right');
        assert.equal(await pull(ALICE, first), 'right');

        const [bob, alice] = await Promise.all([pull(BOB, second, span), pull(ALICE, second, span)]);
        assert.match(bob, /^40[134]$/);
        assert.equal(alice, 'right');
        assert.equal(await pull(ALICE, second), 'right');
      });
    }

    test('is not mended for anybody while the upstream is down, and in the name of who comes first when it is back', async () => {
      await using setting = await privateSetting(auth);
      const { upstream, larder, blobs, pull } = setting;
      const [blob, other] = blobs as [TestBlob, TestBlob];
      damageIn(larder, blob);
      await upstream.refuse();
      for (const login of [BOB, ALICE]) {
        assert.match(await pull(login, blob), /^(short|50[234])$/);
        assert.equal(await pull(login, other), 'right');
      }
      await upstream.accept();
      upstream.reset();
      await waitFor(async () => (await pull(BOB, blob)) === 'right', { limitMs: 35_000, everyMs: 250 });
      assert.equal(upstream.bodyBytes({ user: ALICE.user, kind: 'blob' }), 0);
    });
  });
}

/** Two blobs that alice has pulled, and bob after her: both are proven. */
async function privateSetting(auth: 'basic' | 'bearer') {
  await using resources = new AsyncDisposableStack();
  const users = { [ALICE.user]: ALICE.password, [BOB.user]: BOB.password };
  const upstream = resources.use(await startUpstream({ auth, users }));
  const blobs = [blobOf(3 * MiB + 99, 70), blobOf(3 * MiB + 99, 71)];
  for (const blob of blobs) upstream.push(REPOSITORY, blob);
  upstream.setAccess(REPOSITORY, { readers: [ALICE.user, BOB.user] });
  const larder = resources.use(await startCache(upstream));
  const logins = new Map<Login, string>();
  for (const login of [ALICE, BOB]) {
    const challenge = (await get(blobUrl(larder, REPOSITORY, blobs[0] as TestBlob))).headers[
      'www-authenticate'
    ];
    logins.set(login, (await logIn(String(challenge), login)) ?? '');
  }
  const pull = async (login: Login, blob: TestBlob, span?: Span): Promise<Verdict> => {
    const headers = { authorization: logins.get(login) ?? '' };
    return (await ask(blobUrl(larder, REPOSITORY, blob), blob, span, { headers })).verdict;
  };
  for (const login of [ALICE, BOB]) {
    for (const blob of blobs) assert.equal(await pull(login, blob), 'right');
  }
  const owned = resources.move();
  return { upstream, larder, blobs, pull, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function damageIn(larder: LarderProcess, blob: TestBlob): void {
  damage(FLIPPED, [blobPath(larder.store, blob.digest)]);
}
