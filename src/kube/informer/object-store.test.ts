import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfigMap } from '../objects/config-maps.ts';
import { configMap } from '../../../test/kube/client.ts';
import { createLogger, silentLogger } from '../../kit/logger.ts';
import { createObjectStore, type ObjectStoreOptions } from './object-store.ts';

function object(name: string, resourceVersion: string, data = {}, namespace = 'default'): ConfigMap {
  const made = configMap(name, data, namespace);
  return { ...made, metadata: { ...made.metadata, resourceVersion, uid: `uid-${name}` } };
}

function filled(options: ObjectStoreOptions<ConfigMap, ConfigMap> = {}) {
  const made = createObjectStore<ConfigMap>({ logger: silentLogger }, { freeze: true, ...options });
  const changes: string[] = [];
  made.store.onChange((before, after) => {
    const text = (one: ConfigMap | undefined) =>
      one === undefined ? '-' : `${one.metadata.name}@${one.metadata.resourceVersion}`;
    changes.push(`${text(before)} > ${text(after)}`);
  });
  const items = [object('a', '5', { owner: 'x' }), object('b', '7', { owner: 'x' }, 'other')];
  made.writer.replace({ items, resourceVersion: '9' });
  return { ...made, changes };
}

describe('reading', () => {
  test('by key, by namespace, by an index, and nothing that is absent', () => {
    const { store, writer } = filled({ indexes: { owner: ({ data }) => [data?.['owner'] ?? ''] } });
    const names = (list: readonly ConfigMap[]) => list.map(({ metadata }) => metadata.name);
    assert.equal(store.get({ namespace: 'other', name: 'b' })?.metadata.resourceVersion, '7');
    assert.equal(store.get({ namespace: 'default', name: 'b' }), undefined);
    assert.deepEqual(names(store.list()), ['a', 'b']);
    assert.deepEqual(names(store.list('other')), ['b']);
    assert.deepEqual(names(store.byIndex('owner', 'x')), ['a', 'b']);
    writer.apply('MODIFIED', object('a', '10', { owner: 'y' }));
    writer.apply('DELETED', object('b', '11', { owner: 'x' }, 'other'));
    assert.deepEqual(names(store.byIndex('owner', 'x')), []);
    assert.deepEqual(names(store.byIndex('owner', 'y')), ['a']);
    assert.deepEqual([store.list('other'), store.size], [[], 1]);
    assert.throws(() => store.byIndex('color', 'x'), /no index color/);
  });

  test('objects are stored as the transform returns them, and frozen', () => {
    const { store, writer } = createObjectStore<ConfigMap, { readonly keys: string[] }>(
      { logger: silentLogger },
      { freeze: true, transform: ({ data = {} }) => ({ keys: Object.keys(data) }) },
    );
    writer.replace({ items: [object('a', '1', { x: '1' })], resourceVersion: '1' });
    const kept = store.get({ namespace: 'default', name: 'a' });
    assert.deepEqual(kept, { keys: ['x'] });
    assert.throws(() => kept?.keys.push('y'), TypeError);
    assert.equal(store.list('default').length, 1);
  });
});

describe('changes', () => {
  test('each reports the old and the new object; a new list reports only differences and deletions', () => {
    const { writer, changes } = filled();
    writer.apply('ADDED', object('c', '10'));
    writer.apply('MODIFIED', object('c', '11'));
    const items = [object('a', '5'), object('c', '13')];
    writer.replace({ items, resourceVersion: '14' });
    assert.deepEqual(changes, ['- > a@5', '- > b@7', '- > c@10', 'c@10 > c@11', 'c@11 > c@13', 'b@7 > -']);
  });

  test('an event that is not newer than the store changes nothing: a lagging replica revives no deleted object', () => {
    const { store, writer, changes } = filled();
    writer.apply('DELETED', object('a', '10'));
    const count = changes.length;
    writer.apply('ADDED', object('a', '5'));
    writer.apply('DELETED', object('b', '9', {}, 'other'));
    writer.apply('DELETED', object('a', '11'));
    writer.advance('8');
    assert.equal(changes.length, count);
    assert.deepEqual([store.size, store.version], [1, '11']);
  });

  test('versions that are not integers are taken in order of arrival', () => {
    const { store, writer } = filled();
    writer.apply('MODIFIED', object('a', 'abc'));
    writer.advance('abd');
    assert.deepEqual(
      [store.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion, store.version],
      ['abc', 'abd'],
    );
  });

  test('a late handler receives the existing objects, and one that has left nothing', () => {
    const { store, writer } = filled();
    const seen: (string | undefined)[] = [];
    const leave = store.onChange((_before, after) => seen.push(after?.metadata.name));
    assert.deepEqual(seen, ['a', 'b']);
    leave();
    writer.apply('ADDED', object('c', '10'));
    assert.equal(seen.length, 2);
  });

  test('a handler that throws is logged, and the others are called nevertheless', () => {
    const logged: string[] = [];
    const logger = createLogger({ level: 'error', format: 'json' }, (line) => logged.push(line));
    const { store, writer } = createObjectStore<ConfigMap>({ logger });
    let calls = 0;
    store.onChange(() => {
      throw new Error('broken handler');
    });
    store.onChange(() => (calls += 1));
    writer.replace({ items: [object('a', '1')], resourceVersion: '1' });
    assert.equal(calls, 1);
    assert.match(logged.join(), /broken handler/);
  });

  test('a transform that throws leaves the store unchanged', () => {
    const { store, writer, changes } = filled({
      transform: (one) => {
        if (one.data?.['bad'] !== undefined) throw new Error('broken transform');
        return one;
      },
    });
    const count = changes.length;
    const items = [object('new', '10'), object('bad', '11', { bad: '' })];
    assert.throws(() => writer.replace({ items, resourceVersion: '12' }), /broken transform/);
    assert.throws(() => writer.apply('ADDED', object('bad', '11', { bad: '' })), /broken transform/);
    assert.deepEqual([store.size, store.version, changes.length], [2, '9', count]);
  });
});

describe('waiting', () => {
  test('for the first list', async () => {
    const { store, writer } = createObjectStore<ConfigMap>({ logger: silentLogger });
    const { signal } = new AbortController();
    assert.equal(store.hasSynced(), false);
    const synced = store.whenSynced(signal);
    writer.replace({ items: [], resourceVersion: '1' });
    await synced;
    await store.whenSynced(signal);
    assert.equal(store.hasSynced(), true);
  });

  test('for a version: met by an event, a bookmark or a list, in their order as numbers', async () => {
    const { store, writer } = filled();
    const { signal } = new AbortController();
    await store.waitForVersion('9', signal);
    const met: string[] = [];
    const waits = ['10', '11', '100'].map(async (version) => {
      await store.waitForVersion(version, signal);
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
    await store.waitForVersion('opaque', signal);
    const controller = new AbortController();
    const given = assert.rejects(store.waitForVersion('101', controller.signal), /enough/);
    controller.abort(new Error('enough'));
    await given;
  });
});
