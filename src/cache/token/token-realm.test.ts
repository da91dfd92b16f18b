import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { fakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { configOf } from '../../../test/cache/target.ts';
import { basic, get, type GetResult } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics } from '../metrics.ts';
import type { LoginAnswer } from '../../upstream/types.ts';
import { createRegistryListener } from '../http/registry-listener.ts';
import { sendBody } from '../http/answer.ts';
import { parseRoute } from '../http/route.ts';
import { createUpstreamTable } from '../upstreams.ts';
import { createTokenRealm } from './token-realm.ts';

const ACCEPTED: LoginAnswer = { kind: 'accepted', authorization: 'Bearer upstream', lifeMs: 200_000 };

interface Setting extends AsyncDisposable {
  readonly clock: ManualClock;
  /** The upstream's current answer to logins; undefined while it is down. */
  upstream: LoginAnswer | undefined;
  /** Repositories in which alice's access was proven. */
  readonly proven: Set<string>;
  /** Asks for a token for these repositories, as alice. */
  logIn(...names: string[]): Promise<GetResult>;
  /** Requests a repository with this token: the credential that it presents, or the status of another answer. */
  present(name: string, token: string): Promise<unknown>;
}

/** The realm of one upstream behind a real listener, which answers each request with the credential it presents. */
async function serve(): Promise<Setting> {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const proven = new Set<string>();
  const realm = createTokenRealm({
    store: new MemoryStore(),
    access: {
      credentialIdOf: (...parts) => `credential of ${parts[1]}`,
      mayUseDuringOutage: (_upstream, repository) => proven.has(repository),
      refuse: () => proven.clear(),
    },
    clock,
    logger: silentLogger,
    metrics: declareCacheMetrics(createMetricsRegistry()),
    externalUrl: undefined,
  });
  const name = 'r.example';
  const client = fakeUpstream(
    () => assert.fail('nothing is fetched'),
    name,
    () => {
      if (setting.upstream === undefined) throw new LarderError('UPSTREAM_UNREACHABLE', 'it is down');
      return setting.upstream;
    },
  );
  const [config] = configOf({ upstream: name, authentication: { realm: 'Cache', outageGrace: '1h' } }).caches;
  assert.ok(config);
  const table = createUpstreamTable([{ name, config, client }], undefined);
  const server = createRegistryListener(
    {
      async handle(exchange) {
        const route = parseRoute(exchange.path);
        if (route.kind === 'token') return realm.answerToken(exchange, table, route.upstream);
        assert.equal(route.kind, 'tags');
        const presented = await realm.read(
          exchange,
          table.destination('name' in route ? route.name : '', undefined),
        );
        sendBody(exchange, 200, { kind: 'hit' }, {}, JSON.stringify(presented ?? 'nothing'));
      },
      began() {},
      observe() {},
      clock,
      logger: silentLogger,
    },
    undefined,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const setting: Setting = {
    clock,
    upstream: ACCEPTED,
    proven,
    logIn: (...names) =>
      get(`${url}/token/${name}?${names.map((one) => `scope=repository:${one}:pull`).join('&')}`, {
        headers: { authorization: basic('alice', 'secret') },
      }),
    async present(repository, token) {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await get(`${url}/v2/${repository}/tags/list`, { headers });
      return answer.status === 200 ? answer.json() : answer.status;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
  return setting;
}

function tokenOf(answer: GetResult): string {
  assert.equal(answer.status, 200, answer.text());
  return (answer.json() as { token: string }).token;
}

suite('a login during an outage', () => {
  test('is good for a minute, where the caller was proven before, with nothing to send', async () => {
    await using setting = await serve();
    setting.upstream = undefined;
    setting.proven.add('team/app');
    const answer = await setting.logIn('team/app', 'team/lib');
    const { expires_in: life, scope } = answer.json() as { expires_in: number; scope: string };
    assert.deepEqual([life, scope], [60, 'repository:team/app:pull']);
    const token = tokenOf(answer);
    assert.deepEqual(await setting.present('team/app', token), { credentialId: 'credential of alice' });
    assert.equal(await setting.present('team/lib', token), 401);
    setting.clock.advance(60_000);
    assert.equal(await setting.present('team/app', token), 401);
  });

  test('fails as the outage does for a caller without a proof', async () => {
    await using setting = await serve();
    setting.upstream = undefined;
    assert.equal((await setting.logIn('team/app')).status, 502);
    setting.proven.add('team/app');
    assert.equal((await setting.logIn()).status, 502, 'nor is a bare login');
  });

  test('fails after a refusal, whatever was proven before', async () => {
    for (const status of [401, 403] as const) {
      await using setting = await serve();
      setting.proven.add('team/app');
      setting.upstream = { kind: 'refused', status };
      assert.equal((await setting.logIn('team/app')).status, status);
      setting.upstream = undefined;
      assert.equal((await setting.logIn('team/app')).status, 502);
    }
  });
});

suite('a token', () => {
  test('presents what the upstream gave, as long as that lives', async () => {
    await using setting = await serve();
    const token = tokenOf(await setting.logIn('team/app'));
    const presented = { authorization: 'Bearer upstream', credentialId: 'credential of alice' };
    assert.deepEqual(await setting.present('team/app', token), presented);
    setting.clock.advance(199_000);
    assert.deepEqual(await setting.present('team/app', token), presented);
    setting.clock.advance(1_000);
    assert.equal(await setting.present('team/app', token), 401);
  });

  test('stays good when a new day brings a new key', async () => {
    await using setting = await serve();
    tokenOf(await setting.logIn('team/app'));
    setting.clock.advance(24 * 3600_000 - 1_000);
    const last = tokenOf(await setting.logIn('team/app'));
    setting.clock.advance(2_000);
    const next = tokenOf(await setting.logIn('team/app'));
    const keyOf = (token: string) => Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
    assert.notEqual(keyOf(last), keyOf(next));
    for (const token of [last, next]) assert.notEqual(await setting.present('team/app', token), 401);
  });

  test('of an upstream that requires no login presents nothing', async () => {
    await using setting = await serve();
    setting.upstream = { kind: 'open' };
    assert.equal(await setting.present('team/app', tokenOf(await setting.logIn('team/app'))), 'nothing');
  });
});
