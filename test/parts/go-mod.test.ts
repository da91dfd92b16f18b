import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { editsOf } from './go-mod.ts';

describe('lines of a go.mod that count in a main module only', () => {
  test('are repeated, but for replacements by directories', () => {
    const edits = editsOf(
      JSON.stringify({
        Exclude: [{ Path: 'example.org/a', Version: 'v1.0.0' }],
        Replace: [
          { Old: { Path: 'example.org/b' }, New: { Path: 'example.org/fork', Version: 'v1.2.3' } },
          {
            Old: { Path: 'example.org/c', Version: 'v0.1.0' },
            New: { Path: 'example.org/c', Version: 'v0.2.0' },
          },
          { Old: { Path: 'example.org/d' }, New: { Path: './staging/d' } },
        ],
      }),
    );
    assert.deepEqual(edits, [
      '-exclude=example.org/a@v1.0.0',
      '-replace=example.org/b=example.org/fork@v1.2.3',
      '-replace=example.org/c@v0.1.0=example.org/c@v0.2.0',
    ]);
  });

  test('make a replacement by a directory the published module, in the version that is told', () => {
    const goMod = { Replace: [{ Old: { Path: 'example.org/d' }, New: { Path: './staging/d' } }] };
    assert.deepEqual(editsOf(JSON.stringify(goMod), 'v0.3.0'), [
      '-replace=example.org/d=example.org/d@v0.3.0',
    ]);
  });

  test('are none where there are none', () => {
    assert.deepEqual(editsOf(JSON.stringify({ Module: { Path: 'a' }, Exclude: null, Replace: null })), []);
  });
});
