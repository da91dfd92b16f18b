import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf, keyText } from './object-key.ts';

test('a key is parsed as it was written', () => {
  for (const key of [{ name: 'node-1' }, { namespace: 'team', name: 'cache.example' }])
    assert.deepEqual(keyOf(keyText(key)), key);
  assert.equal(keyText({ namespace: 'team', name: 'a' }), 'team/a');
});
