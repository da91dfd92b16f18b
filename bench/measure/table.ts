import type { Row } from './row.ts';
import type { Spread } from './samples.ts';

const HEAD = ['what is measured', 'better', 'Larder', 'against', 'ratio', 'min to max'] as const;
const RIGHT_ALIGNED = new Set(['Larder', 'ratio']);

/** Formats the table as text with aligned columns. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column]!;
          return RIGHT_ALIGNED.has(HEAD[column]!) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function cells({ what, unit, better, larder, against, other, ratio }: Row): string[] {
  return [
    `${what}, ${unit}`,
    better,
    short(larder.median),
    `${against} ${short(other.median)}`,
    short(ratio.median),
    range(ratio),
  ];
}

function range({ min, max }: Spread): string {
  return Number.isFinite(max) ? `${short(min)} to ${short(max)}` : '-';
}

/** Formats three significant digits without an exponent: 0.012, 1.25, 61200. A ratio to nothing is `-`. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  return rounded.toFixed(Math.max(0, 2 - Math.floor(Math.log10(rounded))));
}
