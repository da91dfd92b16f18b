/** `docs/reference/gardener-differences.md`: the differences to the Go extension, as tests know them, for operators. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Difference {
  readonly area: keyof typeof AREAS;
  readonly what: string;
  readonly why: string;
}

/** Headings by the name in the files. */
const AREAS = {
  shoot: 'In a shoot',
  controller: 'The controllers',
  admission: 'Admission',
  node: 'The configuration of nodes',
  start: 'Start, certificates and registration',
} as const;

export function gardenerDifferencesPage(): string {
  const recorded = read('differences');
  const further = read('further-differences');
  const sections = Object.entries(AREAS).flatMap(([area, heading]) => {
    const rows = [...rowsOf(recorded, area, 'yes'), ...rowsOf(further, area, 'no')];
    return rows.length === 0
      ? []
      : [`## ${heading}\n\n| with Larder | why | recorded |\n| --- | --- | --- |\n${rows.join('\n')}\n`];
  });
  return [BEGIN, ...sections].join('\n');
}

const BEGIN = `<!-- \`npm run generate\` writes this page from differences.yaml and further-differences.yaml in test/gardener. -->

# Differences to the Go extension

\`larder extension\` and \`larder admission\` do what gardener-extension-registry-cache 0.24.0 (the *Go extension*) does, [in its place](../guide/gardener.md). All
that is meant to differ is on this page. Recordings of the Go programs at real API servers are played to Larder, and every object, status and message is
compared: tests fail at a difference that is not here, and at one that is here as recorded and that no recording shows any more. What is not recorded
was found by reading and by trying.
`;

function read(name: string): Difference[] {
  const file = new URL(`../test/gardener/${name}.yaml`, import.meta.url);
  return parse(readFileSync(file, 'utf8')) as Difference[];
}

/** Rows of a table. Entries with the same words are one. */
function rowsOf(differences: readonly Difference[], area: string, isRecorded: 'yes' | 'no'): string[] {
  const own = differences.filter((one) => one.area === area);
  return [...new Set(own.map(({ what, why }) => `| ${sentence(what)} | ${sentence(why)} | ${isRecorded} |`))];
}

/** The text with a capital letter and without what a table would read as its own. */
function sentence(text: string): string {
  const cell = text.trim().replaceAll('|', String.raw`\|`);
  return cell.charAt(0).toUpperCase() + cell.slice(1);
}
