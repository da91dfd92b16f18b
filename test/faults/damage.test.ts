/**
 * Law 3 on a disk that lies: each kind of damage, while Larder runs and while it was stopped, with the upstream up, down and refusing,
 * read in each way. `node test/faults/damage/table.ts` prints the same without judging.
 */
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { MOMENTS, READINGS, UPSTREAM_STATES, type Reading, type UpstreamState } from './damage/cells.ts';
import type { Finding } from './damage/findings.ts';
import { runAllCells } from './damage/run-cells.ts';
import { tableOf, totalsOf } from './damage/table.ts';

const CONTENT: Record<Reading, string> = {
  whole: 'a blob that is read as a whole',
  range: 'a blob that is read in ranges',
  manifest: 'a manifest',
  adopted: 'a blob that Distribution has stored',
};

const PROMISE: Record<UpstreamState, string> = {
  up: 'is right, for about the bytes that were damaged, and a hit from then on',
  down: 'is never whole and wrong while the upstream is down, harms nothing else, and is right within 35 s after',
  refusing:
    'is never whole and wrong while the upstream refuses it, harms nothing else, and is right within 35 s after',
};

suite('damage on disk', () => {
  let findings: readonly Finding[] = [];
  before(async () => {
    findings = await runAllCells();
  });

  for (const reading of READINGS) {
    for (const moment of MOMENTS) {
      for (const upstream of UPSTREAM_STATES) {
        const when = moment === 'running' ? 'while it runs' : 'while it was stopped';
        test(`${CONTENT[reading]}, damaged ${when}, ${PROMISE[upstream]}`, () => {
          const here = findings.filter(
            ({ cell }) => cell.reading === reading && cell.moment === moment && cell.upstream === upstream,
          );
          assert.ok(here.length > 10, 'there is a cell for each kind of damage');
          assert.deepEqual(
            here.flatMap(({ cell, problems }) =>
              [...new Set(problems)].map((problem) => `${cell.damage.name}: ${problem}`),
            ),
            [],
          );
        });
      }
    }
  }

  test('in all: 0 wrong whole bodies, 0 short ones with wrong bytes, 0 failed answers with the upstream up', (context) => {
    context.diagnostic(`\n${tableOf(findings)}`);
    assert.deepEqual(totalsOf(findings), { wrongWhole: 0, wrongPart: 0, failed: 0 });
  });
});
