import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('works of one key run one after another in their order, those of another key meanwhile, and nothing is kept', async () => {
  const turns = new Turns();
  const events: string[] = [];
  const gates = new Map<string, () => void>();
  const begin = (key: string, name: string): Promise<void> =>
    turns.take(key, async () => {
      events.push(`${name} begins`);
      await new Promise<void>((resolve) => gates.set(name, resolve));
      events.push(`${name} ends`);
    });
  const all = [begin('a', 'first'), begin('a', 'second'), begin('b', 'other')];
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(events, ['first begins', 'other begins']);
  gates.get('first')?.();
  await all[0];
  await new Promise(setImmediate);
  assert.deepEqual(events, ['first begins', 'other begins', 'first ends', 'second begins']);
  gates.get('second')?.();
  gates.get('other')?.();
  await Promise.all(all);
  assert.equal(turns.size, 0);
});

test('a work that fails gives its error to its caller alone', async () => {
  const turns = new Turns();
  const failed = turns.take('a', () => Promise.reject(new Error('no')));
  const next = turns.take('a', async () => 'yes');
  await assert.rejects(failed, /no/);
  assert.equal(await next, 'yes');
  assert.equal(turns.size, 0);
});
