import assert from 'node:assert/strict';
import { openSync, truncateSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { flip } from '../../../test/store/flip.ts';
import { body } from '../../../test/store/harness.ts';
import { tempDir } from '../../../test/kit/temp.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { CheckedFile } from './checked-file.ts';
import { CHUNK_BYTES, ChunkSummer, chunkEnd, chunkStart } from './chunk-sums.ts';
import { SharedFile } from '../files/shared-file.ts';

const SIZE = 3 * CHUNK_BYTES + 5000;
const OF = body(SIZE);

interface Setting extends Disposable {
  readonly file: CheckedFile;
  readonly path: string;
  readonly clock: ManualClock;
  /** Changes a byte as bit rot does, without any sign. */
  rot(at: number): void;
  /** Raises the count of disk reads, as if a page of this file or of another had left the page cache. */
  readFromDisk(): void;
  readonly damage: string[];
}

function setting(): Setting {
  const directory = tempDir();
  const path = directory.write('file', OF.content);
  const clock = new ManualClock();
  const summer = new ChunkSummer();
  summer.update([OF.content]);
  const shared = new SharedFile(openSync(path, 'r'));
  const damage: string[] = [];
  let diskReads = 0;
  const deps = {
    clock,
    diskReads: () => diskReads,
    onDamage: (_: string, file: SharedFile, why: string) => {
      assert.equal(file, shared);
      damage.push(why);
    },
  };
  const sums = summer.sums();
  const file = new CheckedFile(deps, shared, { digest: OF.digest, size: SIZE, sums });
  return {
    file,
    path,
    clock,
    damage,
    // Changes the sum in place of the bytes: the reader sees no difference, and a sum has no change time.
    rot: (at) => void (sums[Math.floor(at / CHUNK_BYTES)]! ^= 1n),
    readFromDisk: () => (diskReads += 1),
    [Symbol.dispose]() {
      shared.release();
      directory[Symbol.dispose]();
    },
  };
}

async function readAll({ file }: Setting, start = 0, end = SIZE, bufferBytes = CHUNK_BYTES): Promise<Buffer> {
  const buffer = Buffer.alloc(bufferBytes);
  const pieces: Buffer[] = [];
  for (let at = start; at < end;) {
    const piece = await file.read(buffer, at, end);
    assert.ok(piece.length > 0 && piece.length <= end - at);
    pieces.push(Buffer.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

/** Reads until the check of every chunk is remembered. */
async function checkAll(setting: Setting): Promise<void> {
  await readAll(setting);
  setting.clock.advance(1000);
  await readAll(setting);
}

const isDamaged = (error: unknown): boolean => isLarderError(error, 'STORE_DAMAGED');

test('any range is read with any buffer that holds a chunk', async () => {
  using here = setting();
  await fc.assert(
    fc.asyncProperty(fc.nat(SIZE - 1), fc.nat(SIZE), fc.nat(300_000), async (start, length, more) => {
      const end = Math.min(SIZE, start + length + 1);
      assert.deepEqual(await readAll(here, start, end, CHUNK_BYTES + more), OF.content.subarray(start, end));
    }),
  );
});

test('whatever happens to the file, a reader gets the right bytes or STORE_DAMAGED, and what was right is right again', async () => {
  const range = fc
    .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1]);
  const event = fc.oneof(
    fc.record({ kind: fc.constant('read' as const), range }),
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(SIZE - 1) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(90_000) }),
    fc.record({ kind: fc.constant('disk' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
      using here = setting();
      const flipped = new Set<number>();
      for (const one of events) {
        if (one.kind === 'wait') here.clock.advance(one.ms);
        else if (one.kind === 'disk') here.readFromDisk();
        else if (one.kind === 'flip') {
          flip(here.path, one.at);
          if (!flipped.delete(one.at)) flipped.add(one.at);
        } else {
          const [start = 0, end = 0] = one.range;
          const isRight = [...flipped].every((at) => at < chunkStart(start) || at >= chunkEnd(end));
          const reading = readAll(here, start, end);
          if (isRight) assert.deepEqual(await reading, OF.content.subarray(start, end));
          else await assert.rejects(reading, isDamaged);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a chunk that was checked a moment ago is not checked again', async () => {
  using here = setting();
  await checkAll(here);
  here.rot(0);
  assert.deepEqual(await readAll(here), OF.content);
});

for (const { what, happen } of [
  { what: 'bytes were read from a disk since', happen: (here: Setting) => here.readFromDisk() },
  { what: 'a minute has passed', happen: (here: Setting) => here.clock.advance(60_001) },
]) {
  test(`a checked chunk is checked again when ${what}, as bits rot without a change time`, async () => {
    using here = setting();
    await checkAll(here);
    here.rot(CHUNK_BYTES);
    happen(here);
    await assert.rejects(readAll(here), isDamaged);
    assert.deepEqual(here.damage, [`at byte ${CHUNK_BYTES}: its bytes are not those that were stored`]);
  });
}

test('a check within a tick of the kernel after a change is not remembered', async () => {
  using here = setting();
  await readAll(here);
  await readAll(here);
  here.rot(0);
  await assert.rejects(readAll(here), isDamaged);
});

test('a file that ends early is damaged from there on', async () => {
  using here = setting();
  await checkAll(here);
  truncateSync(here.path, CHUNK_BYTES + 100);
  assert.deepEqual(await readAll(here, 0, CHUNK_BYTES), OF.content.subarray(0, CHUNK_BYTES));
  await assert.rejects(readAll(here, CHUNK_BYTES), isDamaged);
  assert.deepEqual(here.damage, [`at byte ${CHUNK_BYTES + 100}: the file ends there`]);
});
