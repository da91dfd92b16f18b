import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { configOf } from '../../../test/cache/target.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { LarderError, type ErrorCode } from '../../kit/errors.ts';
import { createLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics } from '../metrics.ts';
import { parseRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import type { LoginAnswer } from '../../upstream/types.ts';
import type { CachedUpstream } from '../access/target.ts';
import { createCallerGrants, type Wanted } from './caller-grants.ts';
import type { ClientLogin } from './token-form.ts';

const LOGIN: ClientLogin = { kind: 'password', username: 'alice', password: 'secret-9' };
const [APP, LIB] = ['team/app', 'team/lib'].map(parseRepositoryName) as [RepositoryName, RepositoryName];

/** Proofs as `proven` says, and upstreams that answer logins as the test says. */
function setting(proven: readonly RepositoryName[] = []) {
  const refused: string[] = [];
  const log: string[] = [];
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const grantsFor = createCallerGrants({
    access: {
      credentialIdOf: (...parts) => `credential-of-${parts[1]}`,
      mayUseDuringOutage: (_upstream, repository) => proven.includes(repository),
      refuse: ({ name }, credentialId) => refused.push(`${name} ${credentialId}`),
    },
    metrics,
    logger: createLogger({ level: 'debug', format: 'json' }, (line) => log.push(line)),
  });
  const ask = (...wanted: Wanted[]) => grantsFor(LOGIN, wanted, new AbortController().signal);
  async function outcomes(): Promise<string[]> {
    const series = (await metrics.tokens.get()).values;
    return series.map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`);
  }
  return { ask, refused, log, outcomes };
}

function at(name: string, logIn: LoginAnswer | ErrorCode, ...repositories: RepositoryName[]): Wanted {
  const client = fakeUpstream(
    () => assert.fail('a login is no request for content'),
    name,
    () => {
      if (typeof logIn === 'string') throw new LarderError(logIn, 'as the test says');
      return logIn;
    },
  );
  const config = configOf({ upstream: name, authentication: { realm: 'Cache' } }).caches[0] as CacheConfig;
  const upstream: CachedUpstream = { name, config, client };
  return { upstream, repositories };
}

const ACCEPTED: LoginAnswer = { kind: 'accepted', authorization: 'Bearer t', lifeMs: 200_000 };

suite('the grants of a caller', () => {
  test('hold what is sent to the upstream, for as long as that lives', async () => {
    const { ask, outcomes } = setting();
    assert.deepEqual(await ask(at('a.example', ACCEPTED, APP)), {
      grants: [
        {
          upstream: 'a.example',
          repositories: [APP],
          account: 'credential-of-alice',
          authorization: 'Bearer t',
        },
      ],
      lifeMs: 200_000,
    });
    assert.deepEqual(await outcomes(), ['a.example granted 1']);
  });

  test('live 5 min where the upstream names no time, and 1 h at most', async () => {
    const { ask } = setting();
    const basic = { ...ACCEPTED, authorization: 'Basic x', lifeMs: undefined };
    assert.equal((await ask(at('a.example', basic, APP))).lifeMs, 300_000);
    assert.equal((await ask(at('a.example', { ...ACCEPTED, lifeMs: 12 * 3600_000 }, APP))).lifeMs, 3600_000);
    const open = await ask(at('a.example', { kind: 'open' }, APP));
    assert.equal(open.lifeMs, 300_000);
    assert.equal(open.grants[0]?.authorization ?? open.grants[0]?.grace, undefined, 'nothing to send');
  });

  test('of several upstreams live as long as the shortest, without an upstream that refuses', async () => {
    const { ask, refused, outcomes } = setting();
    const result = await ask(
      at('a.example', ACCEPTED, APP),
      at('b.example', { ...ACCEPTED, lifeMs: 100_000 }, LIB),
      at('c.example', { kind: 'refused', status: 401 }, LIB),
      at('d.example', 'UPSTREAM_TIMEOUT', LIB),
    );
    assert.deepEqual(
      result.grants.map(({ upstream }) => upstream),
      ['a.example', 'b.example'],
    );
    assert.equal(result.lifeMs, 100_000);
    assert.deepEqual(refused, ['c.example credential-of-alice']);
    assert.deepEqual(await outcomes(), [
      'a.example granted 1',
      'b.example granted 1',
      'c.example refused 1',
      'd.example failed 1',
    ]);
  });

  for (const [status, code] of [
    [401, 'UPSTREAM_UNAUTHORIZED'],
    [403, 'UPSTREAM_DENIED'],
  ] as const) {
    test(`a ${status} is relayed, ends the proofs, and no earlier proof counts`, async () => {
      const { ask, refused } = setting([APP]);
      await assert.rejects(ask(at('a.example', { kind: 'refused', status }, APP)), { code, status });
      assert.deepEqual(refused, ['a.example credential-of-alice']);
    });
  }

  test('are given on an earlier proof for a minute, while the upstream cannot check the login, and the log says so', async () => {
    for (const cause of [
      'UPSTREAM_UNREACHABLE',
      'UPSTREAM_5XX',
      'UPSTREAM_TIMEOUT',
      'UPSTREAM_BREAKER_OPEN',
      'UPSTREAM_RATE_LIMITED',
    ] as const) {
      const { ask, refused, log, outcomes } = setting([APP]);
      assert.deepEqual(await ask(at('a.example', cause, APP, LIB)), {
        grants: [{ upstream: 'a.example', repositories: [APP], account: 'credential-of-alice', grace: true }],
        lifeMs: 60_000,
      });
      assert.deepEqual(refused, []);
      assert.deepEqual(await outcomes(), ['a.example grace 1']);
      assert.match(log.join(''), new RegExp(`"event":"token-grace".*"cause":"${cause}"`));
      assert.doesNotMatch(log.join(''), /secret-9|alice/);
    }
  });

  test('are none during an outage without a proof, without a repository, or for a failure of another kind', async () => {
    await assert.rejects(setting().ask(at('a.example', 'UPSTREAM_5XX', APP)), { code: 'UPSTREAM_5XX' });
    await assert.rejects(setting([APP]).ask(at('a.example', 'UPSTREAM_5XX')), { code: 'UPSTREAM_5XX' });
    for (const code of ['UPSTREAM_FORBIDDEN_ADDRESS', 'OVERLOADED', 'CLIENT_GONE'] as const)
      await assert.rejects(setting([APP]).ask(at('a.example', code, APP)), { code });
  });
});
