import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { flip } from '../../../test/store/flip.ts';
import { body } from '../../../test/store/harness.ts';
import { ChunkSummer } from './chunk-sums.ts';
import { matchesSums } from './matches-sums.ts';

test('a file matches the sums of its bytes, and neither other bytes nor a part of them', async () => {
  using directory = tempDir();
  const { content } = body(200_000);
  const { signal } = new AbortController();
  const summer = new ChunkSummer();
  summer.update([content]);
  const path = directory.write('whole', content);
  assert.equal(await matchesSums(path, summer.sums(), signal), true);
  assert.equal(
    await matchesSums(directory.write('part', content.subarray(0, 70_000)), summer.sums(), signal),
    false,
  );
  flip(path, 150_000);
  assert.equal(await matchesSums(path, summer.sums(), signal), false);
  await assert.rejects(matchesSums(path, summer.sums(), AbortSignal.abort()));
});
