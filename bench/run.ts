/**
 * The benchmark: `npm run bench -- [--only NAME]... [--rounds N] [--quick] [--output json]`. Builds Larder, starts Larder, its origin and
 * its peers on loopback, and prints one table of ratios. Asserts nothing about them. See README.md.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { findPart } from '../test/parts/find.ts';
import { run } from '../test/parts/run.ts';
import { FULL_EFFORT, QUICK_EFFORT, type Case } from './cases/case.ts';
import { checks } from './cases/checks.ts';
import { coldBlob } from './cases/cold-blob.ts';
import { crowd } from './cases/crowd.ts';
import { privateManifest } from './cases/private-manifest.ts';
import { relay } from './cases/relay.ts';
import { start } from './cases/start.ts';
import { victims } from './cases/victims.ts';
import { warmBlob, warmBlobTls } from './cases/warm-blob.ts';
import { warmManifest } from './cases/warm-manifest.ts';
import type { Row } from './measure/row.ts';
import { formatTable } from './measure/table.ts';
import { startOrigin } from './peers/origin.ts';

const CASES: readonly Case[] = [
  warmBlob,
  warmBlobTls,
  warmManifest,
  privateManifest,
  checks,
  coldBlob,
  crowd,
  relay,
  start,
  victims,
];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    console.error(options);
    return 2;
  }
  const { cases, effort, output } = options;
  const missing = [...new Set(cases.flatMap(({ parts }) => parts))].filter(
    (name) => findPart(name) === undefined,
  );
  if (missing.length > 0) {
    console.error(`needs ${missing.join(', ')}; run: node test/parts/install.ts ${missing.join(' ')}`);
    return 1;
  }
  console.error('building ...');
  await run('npm', ['run', 'build']);
  const rows: Row[] = [];
  for (const one of cases) {
    console.error(`${one.name} ...`);
    await using origin = await startOrigin();
    rows.push(...(await one.run({ effort, origin })));
  }
  const machine = { cores: availableParallelism(), node: process.versions.node, rounds: effort.rounds };
  if (output === 'json') console.log(JSON.stringify({ machine, rows }, null, 2));
  else
    console.log(
      `${machine.cores} cores, Node ${machine.node}, ${machine.rounds} rounds\n\n${formatTable(rows)}`,
    );
  return 0;
}

/** Parses the arguments. Returns an error message if they are wrong. */
function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        output: { type: 'string', default: 'text' },
      },
    });
    const names = CASES.map(({ name }) => name);
    const unknown = values.only?.find((name) => !names.includes(name));
    if (unknown !== undefined) return `--only ${unknown} is unknown; expected one of: ${names.join(', ')}`;
    const usual = values.quick ? QUICK_EFFORT : FULL_EFFORT;
    const rounds = Number(values.rounds ?? usual.rounds);
    if (!Number.isInteger(rounds) || rounds < 1)
      return `--rounds ${values.rounds}: expected a number above 0`;
    if (values.output !== 'text' && values.output !== 'json')
      return `--output ${values.output}: expected text or json`;
    const cases = CASES.filter(({ name }) => values.only?.includes(name) ?? true);
    return { cases, effort: { ...usual, rounds }, output: values.output };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
