import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configMap, type ConfigMap } from '../../../test/kube/client.ts';
import { createLogger, silentLogger } from '../../kit/logger.ts';
import { createObjectStore, type CacheOptions } from './object-store.ts';

function object(name: string, resourceVersion: string, data = {}, namespace = 'default'): ConfigMap {
  const made = configMap(name, data, namespace);
  return { ...made, metadata: { ...made.metadata, resourceVersion, uid: `uid-${name}` } };
}

function filled(options: CacheOptions<ConfigMap, ConfigMap> = {}) {
  const made = createObjectStore<ConfigMap>({ logger: silentLogger }, { freeze: true, ...options });
  const told: string[] = [];
  made.cache.onChange((before, after) => {
    const text = (one: ConfigMap | undefined) =>
      one === undefined ? '-' : `${one.metadata.name}@${one.metadata.resourceVersion}`;
    told.push(`${text(before)} > ${text(after)}`);
  });
  const items = [object('a', '5', { owner: 'x' }), object('b', '7', { owner: 'x' }, 'other')];
  made.writer.replace({ items, resourceVersion: '9' });
  return { ...made, told };
}

describe('reading', () => {
  test('by key, by namespace, by an index, and nothing that is not there', () => {
    const { cache, writer } = filled({ indexes: { owner: ({ data }) => [data?.['owner'] ?? ''] } });
    const names = (list: readonly ConfigMap[]) => list.map(({ metadata }) => metadata.name);
    assert.equal(cache.get({ namespace: 'other', name: 'b' })?.metadata.resourceVersion, '7');
    assert.equal(cache.get({ namespace: 'default', name: 'b' }), undefined);
    assert.deepEqual(names(cache.list()), ['a', 'b']);
    assert.deepEqual(names(cache.list('other')), ['b']);
    assert.deepEqual(names(cache.byIndex('owner', 'x')), ['a', 'b']);
    writer.apply('MODIFIED', object('a', '10', { owner: 'y' }));
    writer.apply('DELETED', object('b', '11', { owner: 'x' }, 'other'));
    assert.deepEqual(names(cache.byIndex('owner', 'x')), []);
    assert.deepEqual(names(cache.byIndex('owner', 'y')), ['a']);
    assert.deepEqual([cache.list('other'), cache.size], [[], 1]);
    assert.throws(() => cache.byIndex('color', 'x'), /no index color/);
  });

  test('what is kept is what the transform makes of it, and it is frozen', () => {
    const { cache, writer } = createObjectStore<ConfigMap, { readonly keys: string[] }>(
      { logger: silentLogger },
      { freeze: true, transform: ({ data = {} }) => ({ keys: Object.keys(data) }) },
    );
    writer.replace({ items: [object('a', '1', { x: '1' })], resourceVersion: '1' });
    const kept = cache.get({ namespace: 'default', name: 'a' });
    assert.deepEqual(kept, { keys: ['x'] });
    assert.throws(() => kept?.keys.push('y'), TypeError);
    assert.equal(cache.list('default').length, 1);
  });
});

describe('changes', () => {
  test('each tells what was and what is; a new list tells only what differs, and what is gone', () => {
    const { writer, told } = filled();
    writer.apply('ADDED', object('c', '10'));
    writer.apply('MODIFIED', object('c', '11'));
    const items = [object('a', '5'), object('c', '13')];
    writer.replace({ items, resourceVersion: '14' });
    assert.deepEqual(told, ['- > a@5', '- > b@7', '- > c@10', 'c@10 > c@11', 'c@11 > c@13', 'b@7 > -']);
  });

  test('an event that is not newer than what is in changes nothing: a lagging replica raises no dead', () => {
    const { cache, writer, told } = filled();
    writer.apply('DELETED', object('a', '10'));
    const count = told.length;
    writer.apply('ADDED', object('a', '5'));
    writer.apply('DELETED', object('b', '9', {}, 'other'));
    writer.apply('DELETED', object('a', '11'));
    writer.advance('8');
    assert.equal(told.length, count);
    assert.deepEqual([cache.size, cache.version], [1, '11']);
  });

  test('versions that are no integers are taken as they come', () => {
    const { cache, writer } = filled();
    writer.apply('MODIFIED', object('a', 'abc'));
    writer.advance('abd');
    assert.deepEqual(
      [cache.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion, cache.version],
      ['abc', 'abd'],
    );
  });

  test('who comes late is told of what there is, and who has left of nothing', () => {
    const { cache, writer } = filled();
    const seen: (string | undefined)[] = [];
    const leave = cache.onChange((_before, after) => seen.push(after?.metadata.name));
    assert.deepEqual(seen, ['a', 'b']);
    leave();
    writer.apply('ADDED', object('c', '10'));
    assert.equal(seen.length, 2);
  });

  test('a handler that throws is logged, and the others are told nevertheless', () => {
    const logged: string[] = [];
    const logger = createLogger({ level: 'error', format: 'json' }, (line) => logged.push(line));
    const { cache, writer } = createObjectStore<ConfigMap>({ logger });
    let told = 0;
    cache.onChange(() => {
      throw new Error('broken handler');
    });
    cache.onChange(() => (told += 1));
    writer.replace({ items: [object('a', '1')], resourceVersion: '1' });
    assert.equal(told, 1);
    assert.match(logged.join(), /broken handler/);
  });

  test('a transform that throws leaves everything as it was', () => {
    const { cache, writer, told } = filled({
      transform: (one) => {
        if (one.data?.['bad'] !== undefined) throw new Error('broken transform');
        return one;
      },
    });
    const count = told.length;
    const items = [object('new', '10'), object('bad', '11', { bad: '' })];
    assert.throws(() => writer.replace({ items, resourceVersion: '12' }), /broken transform/);
    assert.throws(() => writer.apply('ADDED', object('bad', '11', { bad: '' })), /broken transform/);
    assert.deepEqual([cache.size, cache.version, told.length], [2, '9', count]);
  });
});

describe('waiting', () => {
  test('for the first list', async () => {
    const { cache, writer } = createObjectStore<ConfigMap>({ logger: silentLogger });
    const { signal } = new AbortController();
    assert.equal(cache.hasSynced(), false);
    const synced = cache.whenSynced(signal);
    writer.replace({ items: [], resourceVersion: '1' });
    await synced;
    await cache.whenSynced(signal);
    assert.equal(cache.hasSynced(), true);
  });

  test('for a version: met by an event, a bookmark or a list, in their order as numbers', async () => {
    const { cache, writer } = filled();
    const { signal } = new AbortController();
    await cache.waitForVersion('9', signal);
    const met: string[] = [];
    const waits = ['10', '11', '100'].map(async (version) => {
      await cache.waitForVersion(version, signal);
      met.push(version);
    });
    const steps = [
      () => writer.apply('ADDED', object('c', '10')),
      () => writer.advance('99'),
      () => writer.replace({ items: [], resourceVersion: '100' }),
    ];
    for (const [index, step] of steps.entries()) {
      step();
      await new Promise(setImmediate);
      assert.equal(met.length, index + 1);
    }
    await Promise.all(waits);
    await cache.waitForVersion('opaque', signal);
    const controller = new AbortController();
    const given = assert.rejects(cache.waitForVersion('101', controller.signal), /enough/);
    controller.abort(new Error('enough'));
    await given;
  });
});
