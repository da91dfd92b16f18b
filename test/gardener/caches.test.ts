/**
 * Recorded sequences of the Go extension, played to the controllers with the real work on caches, from end to end. `npm test` plays a share that shows
 * all behaviour; the others differ in values, which `render.test.ts` compares for every case. The heavy lane plays all, and so does
 * `gardener-recordings.ktest.ts`, at real API servers.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { casePlaceOf } from './caches-place.ts';
import { startCachesWorld } from './caches-world.ts';
import { createDifferenceReport } from './difference-report.ts';
import { meaningOf } from './meaning.ts';
import { playCase } from './play-case.ts';
import { namespaceOf, recordedCases } from './recorded-cases.ts';
import { rememberedCertificates } from './remembered-certificates.ts';
import { shareOfCases } from './share-of-cases.ts';

const certificates = rememberedCertificates();
const cases = [...recordedCases('reconcile'), ...recordedCases('lifecycle')];
const played = process.env['LARDER_HEAVY'] === '1' ? cases : shareOfCases(cases);
const report = createDifferenceReport(cases.map(({ name }) => name));

describe('Extensions go as recorded, with all objects', () => {
  for (const { name, input, steps } of played) {
    test(name, async () => {
      await using lab = await startCachesWorld({ namespace: namespaceOf(name), input, certificates });
      lab.start();
      const actual = await playCase(casePlaceOf(lab, input), input, steps);
      const open = report.compare(name, meaningOf({ steps }), meaningOf({ steps: actual }));
      assert.deepEqual(open, []);
    });
  }

  test('and the list of differences has no entry that explains nothing', (context) => {
    context.diagnostic(report.summary());
    assert.deepEqual(report.unused(), []);
  });
});
