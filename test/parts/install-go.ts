import { mkdir, mkdtempDisposable, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isExecutable } from './find.ts';
import { editsOf } from './go-mod.ts';
import type { GoPart } from './parts.ts';
import { run } from './run.ts';

/** A cold build of the largest part, kube-apiserver, took 358 s on two busy cores; the limit leaves room for more. */
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
  const bin = join(work.path, 'bin');
  if (part.module === undefined) await install(part, bin);
  else await build(part, part.module, work.path, bin);
  await rename(bin, target);
  return true;
}

async function install(part: GoPart, bin: string): Promise<void> {
  const versions = part.packages.map((name) => `${name}@${part.version}`);
  await go(['install', ...flagsOf(part), ...versions], { GOBIN: bin });
}

/** Builds from a module made for it, which requires the part's one and repeats what counts in a main module only. */
async function build(part: GoPart, module: string, cwd: string, bin: string): Promise<void> {
  const required = `${module}@${part.version}`;
  const { stdout: downloaded } = await go(['mod', 'download', '-json', required], {}, cwd);
  const { GoMod } = JSON.parse(downloaded) as { GoMod: string };
  const { stdout: goMod } = await go(['mod', 'edit', '-json', GoMod], {}, cwd);
  await go(['mod', 'init', 'part'], {}, cwd);
  await go(['mod', 'edit', `-require=${required}`, ...editsOf(goMod, part.directoriesAs)], {}, cwd);
  await go(['build', '-mod=mod', ...flagsOf(part), '-o', `${bin}/`, ...part.packages], {}, cwd);
}

function flagsOf({ variables = {} }: GoPart): string[] {
  const settings = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  return ['-trimpath', `-ldflags=${['-s -w', ...settings].join(' ')}`];
}

function go(args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string) {
  return run('nice', ['-n', '15', 'go', ...args], {
    // A compiler that collects its garbage less often takes a quarter less processor time, and some more memory.
    env: { GOWORK: 'off', CGO_ENABLED: '0', GOGC: '800', ...env },
    limit: BUILD_LIMIT_MS,
    ...(cwd !== undefined && { cwd }),
  });
}
