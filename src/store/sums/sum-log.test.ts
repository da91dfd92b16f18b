import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { body } from '../../../test/store/harness.ts';
import { runs } from '../../../test/store/runs.ts';
import { tempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { CHUNK_BYTES, ChunkSummer } from './chunk-sums.ts';
import { sumLogPath } from '../files/layout.ts';
import { openSumLog, readLogged, SumLog, sumLogBytes } from './sum-log.ts';

const CONTENT = body(4 * CHUNK_BYTES + 100).content;

/** A spool and its log, both empty. */
async function begun(directory: string) {
  const path = join(directory, 'spool');
  writeFileSync(path, '');
  const clock = new ManualClock();
  const log = await openSumLog(clock, path);
  assert.ok(log !== undefined);
  return { path, clock, log };
}

/** Number of bytes of the spool, which now has `content`, that its log vouches for. */
async function loggedBytes(path: string, content: Buffer): Promise<number> {
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  const pieces: Buffer[] = [];
  await readLogged(path, fd, content.length, (bytes) => void pieces.push(Buffer.from(bytes)));
  closeSync(fd);
  const bytes = Buffer.concat(pieces);
  assert.deepEqual(bytes, content.subarray(0, bytes.length));
  return bytes.length;
}

/** Appends pieces of these lengths, with turns of the event loop and 20 ms between some of them. */
async function append(log: SumLog, clock: ManualClock, lengths: readonly number[]): Promise<number> {
  const summer = new ChunkSummer();
  for (const [index, length] of lengths.entries()) {
    log.append(summer.update([CONTENT.subarray(summer.length, summer.length + length)]));
    if (index % 3 === 0) await turn();
    if (index % 2 === 0) clock.advance(20);
  }
  return summer.length;
}

const LENGTHS = fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 12 });

test('a log that was closed vouches for all that was appended, and is as large as it was said to be', async () => {
  await fc.assert(
    fc.asyncProperty(LENGTHS, async (lengths) => {
      using directory = tempDir();
      const { path, clock, log } = await begun(directory.path);
      const length = await append(log, clock, lengths);
      await log.close();
      assert.equal(await loggedBytes(path, CONTENT.subarray(0, length)), length);
      assert.equal(statSync(sumLogPath(path)).size, sumLogBytes(length));
    }),
    { numRuns: runs(10) },
  );
});

test('a log whose process was killed vouches for bytes older than 20 ms, and for no wrong byte', async () => {
  using directory = tempDir();
  const { path, clock, log } = await begun(directory.path);
  const summer = new ChunkSummer();
  const pieces = [0, 1, 2].map((at) => CONTENT.subarray(at * 50_000, (at + 1) * 50_000));
  for (const piece of pieces) {
    log.append(summer.update([piece]));
    while (statSync(sumLogPath(path)).size < sumLogBytes(summer.length)) {
      clock.advance(20);
      await turn();
    }
  }
  log.append(summer.update([CONTENT.subarray(150_000, 250_000)]));
  assert.equal(await loggedBytes(path, CONTENT.subarray(0, 250_000)), 150_000);
  await log.close();
});

test('a removed log is off the disk, even with pending records', async () => {
  using directory = tempDir();
  const { path, clock, log } = await begun(directory.path);
  await append(log, clock, [10, 200_000, 30]);
  await log.remove();
  assert.equal(existsSync(sumLogPath(path)), false);
});

test('a closed log has every record, also one appended just after the end of a write', async () => {
  using directory = tempDir();
  for (let turns = 0; turns < 12; turns += 1) {
    const clock = new ManualClock();
    const path = join(directory.path, `sums-${turns}`);
    const log = new SumLog(clock, path, openSync(path, 'w+'));
    log.append([{ end: CHUNK_BYTES, sum: 1n }]);
    await waitFor(() => clock.pending > 0);
    clock.advance(1000);
    for (let count = 0; count < turns; count += 1) await Promise.resolve();
    log.append([{ end: 2 * CHUNK_BYTES, sum: 2n }]);
    await log.close();
    assert.equal(statSync(path).size, sumLogBytes(2 * CHUNK_BYTES), `after ${turns} turns`);
  }
});
