/**
 * Runs tests that may share a process: `node test/run-together.ts [FLAG...] PATTERN...`, with flags of `node --test`. Starting a process and
 * loading what most files import takes longer than most of the tests in them.
 */
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import './compile-cache.ts';

/** Two more than cores, as many tests wait. */
const PROCESSES = Math.max(2, Math.min(4, availableParallelism())) + 2;
/** More than one group for each process, so that a group of slow tests is not alone at the end. */
const GROUPS = 2 * PROCESSES;

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith('-'));
const files = globSync(args.filter((arg) => !arg.startsWith('-')));
const groups = groupsOf(files.toSorted()).values();
const codes: (number | null)[] = [];
await Promise.all(Array.from({ length: PROCESSES }, runGroups));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

/** Splits the files into groups of about the same size in bytes, which goes with the time that they take. */
function groupsOf(names: readonly string[]): string[][] {
  const groups = Array.from({ length: GROUPS }, () => ({ bytes: 0, names: [] as string[] }));
  const sizes = names.map((name) => ({ name, bytes: statSync(name).size }));
  for (const { name, bytes } of sizes.toSorted((one, other) => other.bytes - one.bytes)) {
    const smallest = groups.toSorted((one, other) => one.bytes - other.bytes)[0]!;
    smallest.bytes += bytes;
    smallest.names.push(name);
  }
  return groups.map((group) => group.names).filter((group) => group.length > 0);
}

/** Runs one group after the other until there are no more. */
async function runGroups(): Promise<void> {
  for (const group of groups) codes.push(await run(group));
}

/** Runs a group in one process, and prints its output when it has ended. Gives its exit code. */
function run(group: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, ['--test', '--test-isolation=none', ...flags, ...group], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(parts));
      resolve(code);
    });
  });
}
