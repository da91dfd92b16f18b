/**
 * Installs real parts: `node test/parts/install.ts [--group GROUP]... [NAME...]`, those of the integration suites when
 * none is named. Prints one line per part and ends with 1 when one of them could not be had. What is there already, in the right
 * version, is left alone. Needs Node and Go, and for the Debian packages root on Debian 12.
 * `node test/parts/install.ts --key` prints a key by which a CI can keep `.parts`, and installs nothing.
 */
import { parseArgs } from 'node:util';
import { cacheKey } from './cache-key.ts';
import { GROUPS, isGroupName } from './groups.ts';
import { createDebianInstaller } from './install-debian.ts';
import { installGoPart } from './install-go.ts';
import { isPartName, PARTS, type Part, type PartName } from './parts.ts';
import { partPath } from './find.ts';
import { runToExit } from './run.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      group: { type: 'string', multiple: true, default: [] },
      key: { type: 'boolean', default: false },
    },
  });
  if (values.key) {
    console.log(cacheKey());
    return 0;
  }
  const unknown = [
    ...positionals.filter((name) => !isPartName(name)),
    ...values.group.filter((name) => !isGroupName(name)),
  ];
  if (unknown.length > 0) {
    console.error(
      `No such part or group: ${unknown.join(', ')}. The parts are: ${Object.keys(PARTS).join(', ')}; ` +
        `the groups are: ${Object.keys(GROUPS).join(', ')}`,
    );
    return 2;
  }
  const named = [
    ...positionals.filter(isPartName),
    ...values.group.filter(isGroupName).flatMap((group) => GROUPS[group]),
  ];
  const names = named.length > 0 ? new Set(named) : GROUPS.integration;
  const installDebianPart = createDebianInstaller();
  const failed: PartName[] = [];
  // One after the other: two builds at once would only fight for the two cores of a small machine.
  for (const name of names) {
    const part: Part = PARTS[name];
    const started = performance.now();
    try {
      const path = partPath(name);
      const fresh = part.source === 'go' ? await installGoPart(part, path) : await installDebianPart(part);
      await tryOut(part, path);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${name} ${part.version}: ${fresh ? `installed in ${seconds} s` : 'is there'} (${path})`);
    } catch (error) {
      failed.push(name);
      console.log(
        `${name} ${part.version}: MISSING: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  if (failed.length === 0) return 0;
  console.error(
    `Missing parts: ${failed.join(', ')}. Suites that need them are skipped, and fail when CI=true.`,
  );
  return 1;
}

/** Throws an `Error` with what the executable printed when it does not end as the part's row says. */
async function tryOut({ try: args, exit = 0, env = {} }: Part, path: string): Promise<void> {
  const { code, stdout, stderr } = await runToExit(path, args, { env });
  if (code !== exit) throw new Error(`it does not work, exit code ${code}: ${stdout}${stderr}`);
}
