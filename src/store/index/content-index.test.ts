import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { body } from '../../../test/store/harness.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { ContentIndex } from './content-index.ts';
import { IndexDatabase } from './index-database.ts';

test('sums of content that was removed while it was summed are not kept', () => {
  using directory = tempDir();
  const database = new IndexDatabase(
    { logger: silentLogger, clock: new ManualClock() },
    join(directory.path, 'index.sqlite'),
    16,
  );
  const index = new ContentIndex(database);
  const { digest } = body(1000);
  const sums = BigUint64Array.of(7n);
  index.putSums(digest, sums);
  assert.equal(index.sums(digest, 1000), undefined);
  index.putContent({ digest, size: 1000, type: 'blob', mediaType: undefined, storedAt: 0 }, 0, 0);
  index.putSums(digest, sums);
  assert.deepEqual(index.sums(digest, 1000), sums);
  database.close();
});
