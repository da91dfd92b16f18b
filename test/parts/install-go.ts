import { mkdir, mkdtempDisposable, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isExecutable } from './find.ts';
import type { GoPart } from './parts.ts';
import { run } from './run.ts';

/** A cold build of the largest part took 80 s on two idle cores; the limit leaves room for busy ones. */
const BUILD_LIMIT_MS = 20 * 60_000;

/**
 * Builds a part's executables into the directory of `path`, with low priority. Gives false when they are there
 * already. The directory appears whole or not at all, so an interrupted build is never taken for a finished one.
 */
export async function installGoPart(part: GoPart, path: string): Promise<boolean> {
  if (isExecutable(path)) return false;
  const target = dirname(path);
  await mkdir(dirname(target), { recursive: true });
  await using work = await mkdtempDisposable(join(dirname(target), 'build-'));
  const packages = part.packages.map((name) => `${name}@${part.version}`);
  const flags = ['-trimpath', '-ldflags=-s -w'];
  await run('nice', ['-n', '15', 'go', 'install', ...flags, ...packages], {
    env: { GOBIN: join(work.path, 'bin'), GOWORK: 'off', CGO_ENABLED: '0' },
    limit: BUILD_LIMIT_MS,
  });
  await rename(join(work.path, 'bin'), target);
  return true;
}
