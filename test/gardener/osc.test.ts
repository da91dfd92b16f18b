/** Recorded answers of the Go extension's webhooks for configurations of nodes, compared with those of Larder, object for object. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { casePlaceOf } from './caches-place.ts';
import { startCachesWorld } from './caches-world.ts';
import { createDifferenceReport } from './difference-report.ts';
import { meaningOf } from './meaning.ts';
import { playCase } from './play-case.ts';
import { namespaceOf, recordedCases } from './recorded-cases.ts';
import { rememberedCertificates } from './remembered-certificates.ts';

const certificates = rememberedCertificates();
const cases = recordedCases('osc');
const report = createDifferenceReport(cases.map(({ name }) => name));

describe('nodes get what they got from the Go extension', () => {
  for (const { name, input, steps } of cases) {
    test(name, async () => {
      await using lab = await startCachesWorld({ namespace: namespaceOf(name), input, certificates });
      const actual = await playCase(casePlaceOf(lab, input), input, steps);
      assert.deepEqual(report.compare(name, meaningOf({ steps }), meaningOf({ steps: actual })), []);
    });
  }

  test('but for what is listed, and the list has no entry that explains nothing', (context) => {
    context.diagnostic(report.summary());
    assert.deepEqual(report.unused(), []);
  });
});
