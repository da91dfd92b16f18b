import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, WatchEvent } from '../../kube/types.ts';
import { EXTENSIONS } from './resources.ts';
import { createTrimmedReads } from './trimmed-reads.ts';

const { signal } = new AbortController();

function object(name: string, resourceVersion: string): KubeObject & { readonly spec: string } {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { name, resourceVersion }, spec: 'large' };
}

/** Reads that keep the metadata of all objects but `other`. */
function readsOf(events: readonly WatchEvent<KubeObject>[], items: readonly KubeObject[] = []) {
  const client = {
    list: async () => ({ items, resourceVersion: '9' }),
    async *watch() {
      yield* events;
    },
  };
  const reads = client as unknown as Parameters<typeof createTrimmedReads>[0];
  return createTrimmedReads(reads, ({ apiVersion, kind, metadata }) =>
    metadata.name === 'other' ? undefined : { apiVersion, kind, metadata },
  );
}

test('a watch brings reduced objects, and of objects that are left out only the version', async () => {
  const events: WatchEvent<KubeObject>[] = [
    { type: 'ADDED', object: object('one', '1') },
    { type: 'ADDED', object: object('other', '2') },
    { type: 'BOOKMARK', resourceVersion: '2', initialEventsEnd: true },
    { type: 'DELETED', object: object('one', '3') },
  ];
  const watch = readsOf(events).watch(EXTENSIONS, { timeoutSeconds: 1 }, signal);
  const one = (resourceVersion: string) => ({
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'one', resourceVersion },
  });
  assert.deepEqual(await Array.fromAsync(watch), [
    { type: 'ADDED', object: one('1') },
    { type: 'BOOKMARK', resourceVersion: '2', initialEventsEnd: false },
    { type: 'BOOKMARK', resourceVersion: '2', initialEventsEnd: true },
    { type: 'DELETED', object: one('3') },
  ]);
});

test('a list is reduced in the same way and keeps its version', async () => {
  const reads = readsOf([], [object('one', '1'), object('other', '2')]);
  const { items, resourceVersion } = await reads.list(EXTENSIONS, {}, { signal });
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['one'],
  );
  assert.equal(resourceVersion, '9');
  assert.ok(!('spec' in (items[0] ?? {})));
});
