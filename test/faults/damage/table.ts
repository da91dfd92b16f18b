/** `node test/faults/damage/table.ts` runs all cells and prints what came of each. */
import { MOMENTS, READINGS, UPSTREAM_STATES, type Reading } from './cells.ts';
import type { Finding } from './findings.ts';
import { DAMAGES } from './kinds.ts';
import { runAllCells } from './run-cells.ts';

/** A table for each way of reading (kind of damage by moment and state of the upstream), and the sums. */
export function tableOf(findings: readonly Finding[]): string {
  return [...READINGS.map((reading) => tableFor(reading, findings)), sumsOf(findings)].join('\n\n');
}

/** Whole bodies that were wrong, other wrong bytes, and answers that were not right with the upstream up. */
export function totalsOf(findings: readonly Finding[]): {
  wrongWhole: number;
  wrongPart: number;
  failed: number;
} {
  const count = (verdict: string): number =>
    findings.flatMap(({ verdicts }) => verdicts).filter((found) => found === verdict).length;
  const withUpstream = findings.filter(({ cell }) => cell.upstream === 'up');
  return {
    wrongWhole: count('wrong whole'),
    wrongPart: count('wrong part'),
    failed: withUpstream.flatMap(({ verdicts }) => verdicts).filter((verdict) => verdict !== 'right').length,
  };
}

function tableFor(reading: Reading, findings: readonly Finding[]): string {
  const columns = MOMENTS.flatMap((moment) => UPSTREAM_STATES.map((upstream) => ({ moment, upstream })));
  const head = [reading, ...columns.map(({ moment, upstream }) => `${moment}, ${upstream}`)];
  const rows = DAMAGES.map(({ name }) => [
    name,
    ...columns.map(({ moment, upstream }) => {
      const found = findings.find(
        ({ cell }) =>
          cell.reading === reading &&
          cell.damage.name === name &&
          cell.moment === moment &&
          cell.upstream === upstream,
      );
      return found === undefined ? '' : outcomeOf(found);
    }),
  ]);
  const widths = head.map((_, index) => Math.max(...[head, ...rows].map((row) => row[index]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `!` before what is against the contract. */
function outcomeOf({ cell, verdicts, resent, counted, healedMs, problems }: Finding): string {
  const mark = problems.length > 0 ? '!' : '';
  const others = [...new Set(verdicts.filter((verdict) => verdict !== 'right'))];
  if (cell.upstream === 'up') {
    const cost = resent === 0 ? '' : ` ${resent.toFixed(3)}`;
    const how =
      others.length > 0
        ? others.join('+')
        : counted.repaired > 0
          ? 'repaired'
          : counted.refetched > 0
            ? 'refetched'
            : resent > 0
              ? 'fetched'
              : 'hit';
    return `${mark}${how}${cost}`;
  }
  const healed = healedMs === undefined ? 'never' : `${(healedMs / 1000).toFixed(1)} s`;
  return others.length > 0 ? `${mark}${others.join('+')} > ${healed}` : `${mark}hit`;
}

function sumsOf(findings: readonly Finding[]): string {
  const { wrongWhole, wrongPart, failed } = totalsOf(findings);
  const slowest = Math.max(0, ...findings.map(({ healedMs = 0 }) => healedMs)) / 1000;
  return [
    `${findings.length} cells, ${findings.filter(({ problems }) => problems.length > 0).length} against the contract`,
    `${wrongWhole} wrong whole bodies, ${wrongPart} short bodies with wrong bytes, ${failed} failed answers with the upstream up`,
    `all healed within ${slowest.toFixed(1)} s of the upstream's return, but for ${findings.filter(isUnhealed).length}`,
  ].join('\n');
}

function isUnhealed({ cell, healedMs }: Finding): boolean {
  return cell.upstream !== 'up' && healedMs === undefined;
}

if (import.meta.main) {
  console.log(tableOf(await runAllCells()));
}
