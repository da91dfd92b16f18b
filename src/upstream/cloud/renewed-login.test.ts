import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { passwordCredential, type Credential } from '../credentials/credential.ts';
import { createRenewedLogin } from './renewed-login.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const { signal } = new AbortController();

/** A cloud that gives `login-1`, `login-2`, ..., each for an hour, as long as it is up. */
function open() {
  const clock = new ManualClock();
  const tasks = new TaskGroup(silentLogger);
  const cloud = { up: true, hangs: false, asked: 0, lifeMs: HOUR as number | undefined };
  const calls: string[] = [];
  const login = createRenewedLogin(
    {
      clock,
      tasks,
      onLogin: () => calls.push('login'),
      onFailure(cause) {
        calls.push((cause as Error).message);
        return new LarderError('UPSTREAM_CREDENTIAL_UNAVAILABLE', 'none', { cause });
      },
    },
    async () => {
      cloud.asked += 1;
      if (cloud.hangs) await new Promise(() => {});
      if (!cloud.up) throw new Error('down');
      return {
        credential: passwordCredential(`login-${cloud.asked}`, 'p'),
        expiresAt: cloud.lifeMs === undefined ? undefined : clock.now() + cloud.lifeMs,
      };
    },
  );
  return {
    clock,
    tasks,
    cloud,
    calls,
    login,
    /** The name of the login that a request gets, or the code of its failure. Resolves once nothing runs in the background. */
    async get(refused?: Credential): Promise<string> {
      const got = await login.get(signal, refused).then(nameOf, (error: LarderError) => error.code);
      if (!cloud.hangs) await tasks.idle();
      return got;
    },
    [Symbol.asyncDispose]: () => tasks.close(),
  };
}

function nameOf(credential: Credential): string {
  return credential.kind === 'password' ? credential.username : credential.kind;
}

const named = (name: string): Credential => passwordCredential(name, 'p');
const UNAVAILABLE = 'UPSTREAM_CREDENTIAL_UNAVAILABLE';

describe('a renewed login', () => {
  it('is fetched once, before the first request, for all requests that wait', async () => {
    await using opened = open();
    assert.equal(opened.cloud.asked, 1);
    const all = await Promise.all(Array.from({ length: 50 }, () => opened.get()));
    assert.deepEqual([...new Set(all)], ['login-1']);
    assert.equal(opened.cloud.asked, 1);
    assert.equal(opened.clock.pending, 0);
  });

  it('is renewed in the background after four fifths of its life, while no request waits', async () => {
    await using opened = open();
    await opened.get();
    opened.clock.advance(47 * MINUTE);
    assert.equal(await opened.get(), 'login-1');
    assert.equal(opened.cloud.asked, 1);
    opened.clock.advance(2 * MINUTE);
    opened.cloud.hangs = true;
    assert.equal(await opened.get(), 'login-1');
    assert.equal(opened.cloud.asked, 2);
    assert.equal(await opened.get(), 'login-1');
    assert.equal(opened.cloud.asked, 2, 'one renewal at a time');
  });

  it('is not renewed while it is unused, and fetched again by the first request after its end', async () => {
    await using opened = open();
    await opened.get();
    opened.clock.advance(24 * HOUR);
    assert.equal(opened.cloud.asked, 1);
    assert.equal(await opened.get(), 'login-2');
  });

  it('is used until shortly before its end while the cloud is down, and not after that', async () => {
    await using opened = open();
    await opened.get();
    opened.cloud.up = false;
    opened.clock.advance(HOUR - 11_000);
    assert.equal(await opened.get(), 'login-1');
    opened.clock.advance(2_000);
    assert.equal(await opened.get(), UNAVAILABLE);
    assert.deepEqual([...new Set(opened.calls)], ['login', 'down']);
  });

  it('of unknown life is kept for ten minutes, and one that is dead on arrival for ten seconds', async () => {
    for (const [lifeMs, kept] of [
      [undefined, 10 * MINUTE],
      [-HOUR, 10_000],
      [0, 10_000],
    ] as const) {
      await using opened = open();
      opened.cloud.lifeMs = lifeMs;
      await opened.get();
      opened.clock.advance(HOUR);
      assert.equal(await opened.get(), 'login-2');
      opened.clock.advance(kept / 2);
      assert.equal(await opened.get(), 'login-2');
      assert.equal(opened.cloud.asked, 2);
      opened.clock.advance(kept / 2);
      assert.equal(await opened.get(), 'login-3');
    }
  });

  it('that the cloud does not give fails at once for some seconds, longer each time, 8 s at most', async () => {
    await using opened = open();
    opened.cloud.up = false;
    await opened.get();
    opened.clock.advance(HOUR);
    const seconds: number[] = [];
    for (let from = opened.cloud.asked; seconds.length < 6; from = opened.cloud.asked) {
      let waited = 0;
      for (; opened.cloud.asked === from; waited += 1) {
        assert.equal(await opened.get(), UNAVAILABLE);
        opened.clock.advance(1_000);
      }
      seconds.push(waited);
    }
    assert.deepEqual(seconds.slice(1), [1, 2, 4, 8, 8]);
    opened.cloud.up = true;
    opened.clock.advance(8_000);
    assert.match(await opened.get(), /^login-/);
  });

  it('that does not come within 15 s fails, with that reason', async () => {
    await using opened = open();
    await opened.get();
    opened.cloud.hangs = true;
    opened.clock.advance(HOUR);
    const waiting = opened.get();
    opened.clock.advance(15_000);
    assert.equal(await waiting, UNAVAILABLE);
    assert.deepEqual(opened.calls, ['login', 'no answer within 15 s']);
  });

  it('is fetched for the other requests when one that waits gives up', async () => {
    await using opened = open();
    const giveUp = new AbortController();
    const one = opened.login.get(giveUp.signal);
    const other = opened.get();
    giveUp.abort(new Error('gone'));
    await assert.rejects(one, { message: 'gone' });
    assert.equal(await other, 'login-1');
  });

  it('that the registry refuses is replaced, once a minute at most', async () => {
    await using opened = open();
    await opened.get();
    assert.equal(await opened.get(named('login-1')), 'login-1', 'too young to be dead');
    opened.clock.advance(MINUTE);
    const all = await Promise.all([1, 2, 3].map(() => opened.get(named('login-1'))));
    assert.deepEqual(all, ['login-2', 'login-2', 'login-2']);
    assert.equal(await opened.get(named('login-1')), 'login-2', 'it is another already');
    assert.equal(await opened.get(named('login-2')), 'login-2');
    assert.equal(opened.cloud.asked, 2);
  });

  it('that the registry refuses stays when the cloud has no other', async () => {
    await using opened = open();
    await opened.get();
    opened.cloud.up = false;
    opened.clock.advance(MINUTE);
    assert.equal(await opened.get(named('login-1')), 'login-1');
  });

  it('ends with the program, and so do the requests that wait', async () => {
    await using opened = open();
    await opened.get();
    opened.cloud.hangs = true;
    opened.clock.advance(HOUR);
    const waiting = opened.get();
    await opened.tasks.close();
    assert.equal(await waiting, 'SHUTTING_DOWN');
    assert.deepEqual(opened.calls, ['login']);
    assert.equal(opened.clock.pending, 0);
  });

  it('never outlives its end, and asks the cloud at a bounded rate, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ advance: fc.integer({ min: 1, max: 2 * HOUR }) }),
      fc.record({ up: fc.boolean() }),
      fc.record({ lifeMs: fc.integer({ min: -HOUR, max: 12 * HOUR }) }),
      fc.record({ refused: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await using opened = open();
        const { clock, cloud } = opened;
        await opened.get();
        const start = clock.monotonic();
        const bornAt = new Map([['login-1', { at: start, lifeMs: cloud.lifeMs ?? 0 }]]);
        let last = 'login-1';
        for (const now of steps) {
          if ('advance' in now) clock.advance(now.advance);
          if ('up' in now) cloud.up = now.up;
          if ('lifeMs' in now) cloud.lifeMs = now.lifeMs;
          const before = cloud.asked;
          const got = await opened.get('refused' in now && now.refused ? named(last) : undefined);
          assert.ok(cloud.asked <= before + 1);
          if (cloud.asked > before && cloud.up)
            bornAt.set(`login-${cloud.asked}`, { at: clock.monotonic(), lifeMs: cloud.lifeMs ?? 0 });
          if (got === UNAVAILABLE) continue;
          last = got;
          const born = bornAt.get(got);
          assert.ok(born !== undefined, got);
          assert.ok(
            clock.monotonic() - born.at < Math.max(10_000, born.lifeMs - 10_000),
            `${got} is used after its end`,
          );
        }
        assert.ok(cloud.asked <= 2 + (clock.monotonic() - start) / 1_000);
      }),
      { numRuns: 200 },
    );
  });
});
