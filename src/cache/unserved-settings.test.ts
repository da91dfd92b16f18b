import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from '../../test/cache/target.ts';
import { unservedSettings } from './unserved-settings.ts';

test('settings that the server does not act on yet are named by their field paths', () => {
  const config = configOf(
    { upstream: 'a.example' },
    { upstream: 'b.example', preload: ['b.example/app:v1'] },
  );
  assert.deepEqual(unservedSettings(config), ['caches[1].preload']);
});
