import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './npm-lock.ts';
import type { Origin } from './oci-image.ts';
import { isPlatform, PLATFORMS, type Platform } from './platforms.ts';
import { run } from './run.ts';

export interface BuildArguments {
  /** Directory to write to. */
  readonly out: string;
  readonly platforms: readonly Platform[];
  readonly origin: Origin;
}

/**
 * Parses the command line of `npm run image`. Revision and time default to those of the commit that is checked out. Flags override
 * both, and SOURCE_DATE_EPOCH overrides the time (reproducible-builds.org/specs/source-date-epoch).
 */
export async function readArguments(args: readonly string[]): Promise<BuildArguments> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      platform: { type: 'string', default: Object.keys(PLATFORMS).join(',') },
      revision: { type: 'string' },
      epoch: { type: 'string' },
    },
  });
  const { out, platform, revision, epoch = process.env['SOURCE_DATE_EPOCH'] } = values;
  if (out === undefined) throw new Error('--out DIR is missing: the directory to write to');
  return {
    out,
    platforms: platform.split(',').map(parsePlatform),
    origin: {
      version: larderVersion(),
      revision: revision ?? (await git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*')),
      epoch: parseEpoch(epoch ?? (await git('log', '-1', '--format=%ct'))),
    },
  };
}

/** Reads the version in `package.json`. */
export function larderVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return version;
}

function parsePlatform(name: string): Platform {
  if (isPlatform(name)) return name;
  throw new Error(`--platform ${name}: expected some of ${Object.keys(PLATFORMS).join(',')}`);
}

function parseEpoch(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--epoch ${text}: expected seconds since 1970`);
}

async function git(...args: readonly string[]): Promise<string> {
  return (await run('git', args, ROOT)).trim();
}
