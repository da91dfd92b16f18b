import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObjectSource } from './key-source.ts';

interface Pointer {
  readonly to: readonly string[];
}

test('a change wakes what the object concerned before and what it concerns now, each once', () => {
  let tell: (before?: Pointer, after?: Pointer) => void = () => {};
  const source = createObjectSource<Pointer>(
    { onChange: (handler) => (tell = handler), whenSynced: () => Promise.resolve() },
    ({ to }) => to,
  );
  const woken: string[] = [];
  source.onChange((key) => woken.push(key));
  tell(undefined, { to: ['a'] });
  tell({ to: ['a', 'b'] }, { to: ['b', 'c'] });
  tell({ to: ['c'] }, undefined);
  tell({ to: [] }, { to: [] });
  assert.deepEqual(woken, ['a', 'a', 'b', 'c', 'c']);
});
