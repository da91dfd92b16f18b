/** Plays all recorded sequences of the Go extension v0.24.0 to `larder extension` at real API servers, with the rights of its chart. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createDifferenceReport } from '../gardener/difference-report.ts';
import { meaningOf } from '../gardener/meaning.ts';
import { playCase } from '../gardener/play-case.ts';
import { namespaceOf, recordedCases, type RecordedCase } from '../gardener/recorded-cases.ts';
import { startRecordingsLab, type RecordingsLab } from '../gardener/recordings-lab.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

/**
 * Cases at one time. Each has an API server for its shoot, in whose `kube-system` the Services are. `LARDER_SHOOTS=0` plays all of them one after
 * the other where seed and shoot are one cluster, as in a self-hosted shoot: 3 s for most of them, 2 minutes for some.
 */
const SHOOTS = Number(process.env['LARDER_SHOOTS'] ?? 4);

const cases = [...recordedCases('lifecycle'), ...recordedCases('reconcile')].toSorted(
  (one, other) => weightOf(other) - weightOf(one),
);
const report = createDifferenceReport(cases.map(({ name }) => name));

describe(
  'larder extension at real API servers',
  requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']),
  () => {
    let lab: RecordingsLab;

    before(async () => {
      lab = await startRecordingsLab(SHOOTS);
    });

    after(() => lab[Symbol.asyncDispose]());

    const linesWith = (text: string): string[] =>
      lab.program
        .output()
        .split('\n')
        .filter((line) => line.includes(text));

    describe('does as recorded, with all objects', { concurrency: Math.max(SHOOTS, 1) }, () => {
      for (const recorded of cases) {
        const { name, input, steps } = recorded;
        test(name, async (context) => {
          await using place = await lab.begin(recorded);
          const played = await playCase(place, input, steps);
          const open = report.compare(name, meaningOf({ steps }), meaningOf({ steps: played }));
          if (open.length > 0) context.diagnostic(linesWith(namespaceOf(name)).join('\n'));
          assert.deepEqual(open, []);
        });
      }
    });

    test('and the list of differences has no entry that explains nothing', (context) => {
      context.diagnostic(report.summary());
      assert.deepEqual(report.unused(), []);
    });

    test('and it may do all that it does', () => {
      // The rights of the chart name the Extensions that it may write, and one case has another name.
      const isMeant = (line: string): boolean => line.includes('"shoot--p--other-name/my-cache"');
      assert.deepEqual(
        linesWith('orbidden').filter((line) => !isMeant(line)),
        [],
      );
    });
  },
);

/** Long cases begin first. */
function weightOf({ input }: RecordedCase): number {
  return typeof input['weight'] === 'number' ? input['weight'] : input.steps.length;
}
