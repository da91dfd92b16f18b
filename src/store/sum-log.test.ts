import assert from 'node:assert/strict';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { ManualClock } from '../kit/clock.ts';
import { CHUNK_BYTES } from './chunk-sums.ts';
import { SumLog, sumLogBytes } from './sum-log.ts';

test('a log that is closed holds every record, also of a moment at which a write has just ended', async () => {
  using directory = tempDir();
  for (let turns = 0; turns < 12; turns += 1) {
    const clock = new ManualClock();
    const path = join(directory.path, `sums-${turns}`);
    const log = new SumLog(clock, path, openSync(path, 'w+'));
    log.append([{ end: CHUNK_BYTES, sum: 1n }]);
    await waitFor(() => clock.pending > 0);
    clock.advance(1000);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    log.append([{ end: 2 * CHUNK_BYTES, sum: 2n }]);
    await log.close();
    assert.equal(readFileSync(path).length, sumLogBytes(2 * CHUNK_BYTES), `after ${turns} turns`);
  }
});
