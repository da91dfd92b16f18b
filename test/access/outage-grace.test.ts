/** `outageGrace`: callers proven before, and no others, are served while registry or token server is down (decision 0006). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { measureMachine, waitFor, type Login, type PullResult, type TestImage } from '../kit/index.ts';
import { newImage, shareLarder, type SharedCache } from '../faults/shared-larder.ts';
import { ALICE, BOB, USERS } from './setting.ts';

const WRONG: Login = { ...ALICE, password: 'not-the-password-9' };

/** A login, two pulls and the end of a server take less. */
const GRACE_MS = (await measureMachine()).limit(4000);

const shared = shareLarder();

interface Scene extends Omit<SharedCache, 'pull'> {
  readonly image: TestImage;
  readonly pull: (login?: Login) => Promise<PullResult>;
}

/** Declares an upstream with `team/alice`, behind a cache that asks for a proof each time. A test opens it once. */
function sceneOf(auth: 'bearer' | 'basic', outageGrace: string): () => Promise<Scene> {
  const open = shared.add(
    { auth, users: USERS, ...(auth === 'bearer' && { token: { at: 'own-port' } }) },
    { authentication: { realm: 'Cache', outageGrace, proofLifetime: '0s' } },
  );
  return async () => {
    const { pull, ...running } = await open();
    const image = newImage({ layers: [5000, 70_000] });
    running.upstream.push('team/alice', image, 'v1');
    running.upstream.setAccess('team/alice', { readers: ['alice'] });
    return { ...running, image, pull: (login) => pull('team/alice', 'v1', { ...(login && { login }) }) };
  };
}

async function stop({ upstream }: Scene, what: 'both' | 'token server'): Promise<void> {
  if (what === 'both') await upstream.refuse();
  await upstream.tokenServer?.refuse();
}

const OUTAGES = [
  ['bearer', 'both'],
  ['bearer', 'token server'],
  ['basic', 'both'],
] as const;

for (const [auth, what] of OUTAGES) {
  suite(`with ${what} of a ${auth} upstream down`, () => {
    const [openServed, openRefused] = [sceneOf(auth, '1h'), sceneOf(auth, '1h')];
    test('only callers proven before are served', async () => {
      const scene = await openServed();
      const outages = (): Promise<number> =>
        scene.larder.metric('larder_access_decisions_total', { decision: 'outage' });
      const before = await outages();
      await scene.pull(ALICE);
      await assert.rejects(scene.pull(BOB), 'bob is refused while all is well');
      await stop(scene, what);
      assert.equal((await scene.pull(ALICE)).digest, scene.image.digest);
      for (const other of [BOB, WRONG, undefined]) await assert.rejects(scene.pull(other));
      assert.ok((await outages()) > before);
    });

    test('a caller refused in between is not served', async () => {
      const scene = await openRefused();
      await scene.pull(ALICE);
      scene.upstream.users.set(ALICE.user, 'changed-horse-4');
      scene.upstream.tokens.revoke(ALICE.user);
      await assert.rejects(scene.pull(ALICE), 'the old password');
      await stop(scene, what);
      for (const login of [ALICE, { ...ALICE, password: 'changed-horse-4' }])
        await assert.rejects(scene.pull(login));
    });
  });
}

suite('it lasts for outageGrace, and not at all without it', { concurrency: true }, () => {
  for (const [auth, what] of OUTAGES) {
    const [openWithout, openWith] = [sceneOf(auth, '0s'), sceneOf(auth, `${GRACE_MS}ms`)];
    test(`with ${what} of a ${auth} upstream down`, async () => {
      const without = await openWithout();
      await without.pull(ALICE);
      await stop(without, what);
      await assert.rejects(without.pull(ALICE));
      const scene = await openWith();
      await scene.pull(ALICE);
      await stop(scene, what);
      await scene.pull(ALICE);
      const isOver = (): Promise<boolean> =>
        scene.pull(ALICE).then(
          () => false,
          () => true,
        );
      await waitFor(isOver, { limitMs: GRACE_MS + 10_000, everyMs: 200 });
    });
  }
});
