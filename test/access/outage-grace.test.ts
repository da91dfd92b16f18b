/** `outageGrace`: callers proven before, and no others, are served while registry or token server is down (decision 0006). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  imageOf,
  pullImage,
  startUpstream,
  waitFor,
  type LarderProcess,
  type Login,
  type PullResult,
  type Upstream,
} from '../kit/index.ts';
import { startCache } from '../faults/setting.ts';
import { ALICE, BOB, USERS } from './setting.ts';

const IMAGE = imageOf({ layers: [5000, 70_000] });
const WRONG: Login = { ...ALICE, password: 'not-the-password-9' };

interface Scene extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly larder: LarderProcess;
  pull(login?: Login): Promise<PullResult>;
}

async function open(auth: 'bearer' | 'basic', outageGrace: string): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(
    await startUpstream({ auth, users: USERS, ...(auth === 'bearer' && { token: { at: 'own-port' } }) }),
  );
  upstream.push('team/alice', IMAGE, 'v1');
  upstream.setAccess('team/alice', { readers: ['alice'] });
  const authentication = { realm: 'Cache', outageGrace, proofLifetime: '0s' };
  const larder = stack.use(await startCache(upstream, { cache: { authentication } }));
  const owned = stack.move();
  return {
    upstream,
    larder,
    pull: (login) =>
      pullImage(larder.registry, 'team/alice', 'v1', { alias: upstream.host, ...(login && { login }) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function stop({ upstream }: Scene, what: 'both' | 'token server'): Promise<void> {
  if (what === 'both') await upstream.refuse();
  await upstream.tokenServer?.refuse();
}

for (const [auth, what] of [
  ['bearer', 'both'],
  ['bearer', 'token server'],
  ['basic', 'both'],
] as const) {
  suite(`with ${what} of a ${auth} upstream down`, { concurrency: 2 }, () => {
    test('only callers proven before are served', async () => {
      await using scene = await open(auth, '1h');
      await scene.pull(ALICE);
      await assert.rejects(scene.pull(BOB), 'bob is refused while all is well');
      await stop(scene, what);
      assert.equal((await scene.pull(ALICE)).digest, IMAGE.digest);
      for (const other of [BOB, WRONG, undefined]) await assert.rejects(scene.pull(other));
      assert.ok((await scene.larder.metric('larder_access_decisions_total', { decision: 'outage' })) > 0);
    });

    test('a caller refused in between is not served', async () => {
      await using scene = await open(auth, '1h');
      await scene.pull(ALICE);
      scene.upstream.users.set(ALICE.user, 'changed-horse-4');
      scene.upstream.tokens.revoke(ALICE.user);
      await assert.rejects(scene.pull(ALICE), 'the old password');
      await stop(scene, what);
      for (const login of [ALICE, { ...ALICE, password: 'changed-horse-4' }])
        await assert.rejects(scene.pull(login));
    });

    test('it lasts for outageGrace, and not at all without it', async () => {
      await using without = await open(auth, '0s');
      await without.pull(ALICE);
      await stop(without, what);
      await assert.rejects(without.pull(ALICE));
      await using scene = await open(auth, '4s');
      await scene.pull(ALICE);
      await stop(scene, what);
      await scene.pull(ALICE);
      await waitFor(
        () =>
          scene.pull(ALICE).then(
            () => false,
            () => true,
          ),
        { limitMs: 20_000, everyMs: 200 },
      );
    });
  });
}
