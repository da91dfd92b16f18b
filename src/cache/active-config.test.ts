import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeUpstream, type FakeUpstream } from '../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../test/cache/memory-store.ts';
import { configOf } from '../../test/cache/target.ts';
import type { RegistryConfig } from '../api/registry-config/effective.ts';
import { isLarderError } from '../kit/errors.ts';
import { silentLogger } from '../kit/logger.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createActiveConfig, type ActiveConfig } from './active-config.ts';

interface Setting {
  readonly active: ActiveConfig;
  readonly store: MemoryStore;
  readonly tasks: TaskGroup;
  /** Every client that was ever made. */
  readonly clients: FakeUpstream[];
  /** Each client in use, with its number in the order in which they were made. */
  readonly inUse: () => string[];
}

function setting(first: RegistryConfig, defaultUpstream?: string): Setting {
  const store = new MemoryStore();
  const tasks = new TaskGroup(silentLogger);
  const clients: FakeUpstream[] = [];
  const connect = ({ upstream }: { upstream: string }): FakeUpstream => {
    const client = fakeUpstream(() => ({}), `${upstream}#${clients.length}`);
    clients.push(client);
    return client;
  };
  const active = createActiveConfig(
    { store, tasks, connect, defaultUpstream, isSingleUpstream: false },
    first,
  );
  const inUse = (): string[] => active.table.all.map(({ client }) => client.name);
  return { active, store, tasks, clients, inUse };
}

describe('a changed configuration', () => {
  test('keeps the clients of upstreams whose connection is the same, whatever else changed', async () => {
    const { active, tasks, clients, inUse } = setting(
      configOf({ upstream: 'a.example' }, { upstream: 'b.example' }),
    );
    active.apply(
      configOf(
        { upstream: 'b.example', freshness: { tagTTL: '1s' }, garbageCollection: { maxSize: '1Gi' } },
        { upstream: 'a.example' },
      ),
    );
    await tasks.idle();
    assert.deepEqual(inUse(), ['b.example#1', 'a.example#0']);
    assert.equal(active.table.all[0]?.config.freshness.tagTTLMs, 1000);
    assert.deepEqual(
      clients.map((client) => client.closed),
      [false, false],
    );
  });

  test('makes a new client for a changed or added upstream, and closes unused clients', async () => {
    const { active, tasks, clients, inUse } = setting(
      configOf({ upstream: 'a.example' }, { upstream: 'b.example' }),
    );
    const before = active.table;
    active.apply(
      configOf({ upstream: 'a.example', remoteURL: 'https://other.example' }, { upstream: 'c.example' }),
    );
    await tasks.idle();
    assert.deepEqual(inUse(), ['a.example#2', 'c.example#3']);
    assert.deepEqual(
      clients.map((client) => client.closed),
      [true, true, false, false],
    );
    const running = before.destination('a.example/x', undefined).upstream;
    assert.equal(running.client.name, 'a.example#2', 'a running download resumes with the new client');
    assert.equal(running.config.remoteURL, 'https://a.example', 'and keeps its settings otherwise');
  });

  test('takes each setting of a connection for a change', () => {
    const changes = [
      { remoteURL: 'https://other.example' },
      { secretReferenceName: 'login' },
      { credentials: [{ repositories: ['**'], secretReferenceName: 'login' }] },
      { caBundleSecretReferenceName: 'ca' },
      { proxy: { httpsProxy: 'http://proxy.example:3128' } },
    ];
    for (const change of changes) {
      const { active, inUse } = setting(configOf({ upstream: 'a.example' }));
      active.apply(configOf({ upstream: 'a.example', ...change }));
      assert.deepEqual(inUse(), ['a.example#1'], JSON.stringify(change));
    }
  });

  test('gives the store its new policies', () => {
    const { active, store } = setting(configOf({ upstream: 'a.example', garbageCollection: { ttl: '1h' } }));
    assert.deepEqual([...store.policies], [['a.example', { ttlMs: 3_600_000, maxBytes: undefined }]]);
    active.apply(configOf({ upstream: 'b.example', garbageCollection: { ttl: '2h', maxSize: '1Ki' } }));
    assert.deepEqual([...store.policies], [['b.example', { ttlMs: 7_200_000, maxBytes: 1024 }]]);
  });
});

describe('a default upstream that is not configured', () => {
  const isRefusal = (error: unknown): boolean =>
    isLarderError(error, 'CONFIG_INVALID') &&
    error.message === '--default-upstream b.example is not configured; configured: a.example';

  test('stops the start', () => {
    assert.throws(() => setting(configOf({ upstream: 'a.example' }), 'b.example'), isRefusal);
  });

  test('refuses a change, of which nothing takes effect', () => {
    const { active, store, clients, inUse } = setting(configOf({ upstream: 'b.example' }), 'b.example');
    const { config } = active;
    assert.throws(() => active.apply(configOf({ upstream: 'a.example' })), isRefusal);
    assert.equal(active.config, config);
    assert.deepEqual(inUse(), ['b.example#0']);
    assert.deepEqual([...store.policies.keys()], ['b.example']);
    assert.equal(clients.length, 1);
  });
});

test('closing closes every client in use', async () => {
  const { active, clients } = setting(configOf({ upstream: 'a.example' }, { upstream: 'b.example' }));
  await active.close();
  assert.deepEqual(
    clients.map((client) => client.closed),
    [true, true],
  );
});
