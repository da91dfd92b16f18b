import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf, type Digest } from '../../oci/digest.ts';
import { formatScrubRecord, newScrubRecord, parseScrubRecord, type ScrubRecord } from './scrub-record.ts';

const digest = fc.string().map((text): Digest => digestOf(Buffer.from(text)));
const time = fc.option(fc.nat(), { nil: undefined });
const record: fc.Arbitrary<ScrubRecord> = fc.record({
  cursor: fc.option(digest, { nil: undefined }),
  reading: fc.option(digest, { nil: undefined }),
  interrupted: fc.option(digest, { nil: undefined }),
  startedAt: fc.nat(),
  finishedAt: time,
  isRunning: fc.boolean(),
  checkedBytes: fc.nat(),
  checkedObjects: fc.nat(),
  damaged: fc.nat(),
});

test('a written record is read again', () => {
  fc.assert(
    fc.property(record, (one) => {
      assert.deepEqual(parseScrubRecord(formatScrubRecord(one)), { ...one });
    }),
  );
});

test('any file gives a usable record', () => {
  const value = fc.anything();
  const names = Object.keys(newScrubRecord());
  const document = fc.oneof(value, fc.dictionary(fc.constantFrom(...names), value));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        document.map((one) => JSON.stringify(one) ?? ''),
      ),
      (text) => {
        const read = parseScrubRecord(text);
        for (const sum of [read.checkedBytes, read.checkedObjects, read.damaged]) {
          assert.ok(Number.isSafeInteger(sum) && sum >= 0);
        }
        assert.ok(!read.isRunning || read.startedAt !== undefined);
        assert.doesNotThrow(() => formatScrubRecord(read));
      },
    ),
  );
  assert.deepEqual(parseScrubRecord('{ "cursor": "../../etc", "checkedBytes": -1 }'), newScrubRecord());
});
