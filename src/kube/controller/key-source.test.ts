import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObjectSource } from './key-source.ts';

interface Pointer {
  readonly to: readonly string[];
}

test('a change triggers the keys of the old and of the new object, each once', () => {
  let change: (before?: Pointer, after?: Pointer) => void = () => {};
  const source = createObjectSource<Pointer>(
    { onChange: (handler) => (change = handler), whenSynced: () => Promise.resolve() },
    ({ to }) => to,
  );
  const woken: string[] = [];
  source.onChange((key) => woken.push(key));
  change(undefined, { to: ['a'] });
  change({ to: ['a', 'b'] }, { to: ['b', 'c'] });
  change({ to: ['c'] }, undefined);
  change({ to: [] }, { to: [] });
  assert.deepEqual(woken, ['a', 'a', 'b', 'c', 'c']);
});
