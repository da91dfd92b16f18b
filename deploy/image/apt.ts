import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebianPackage } from './debian-lock.ts';
import { PLATFORMS, type Architecture } from './platforms.ts';
import { run } from './run.ts';

/** apt for both architectures with the sources and keys of this machine. It changes nothing on the machine. */
export interface Apt extends AsyncDisposable {
  /** Finds the versions that apt would install now. */
  newest(names: readonly string[], architecture: Architecture): Promise<DebianPackage[]>;
  /** Downloads these packages into `directory`, each named {@link debName}, and verifies them. */
  download(packages: readonly DebianPackage[], directory: string): Promise<void>;
}

/** Downloads the packages that are missing or damaged in `directory`. Needs no network if none is. */
export async function fetchDebs(packages: readonly DebianPackage[], directory: string): Promise<void> {
  // Packages for all architectures occur once per platform.
  const distinct = new Map(packages.map((one) => [debName(one), one]));
  const missing = [...distinct.values()].filter((one) => !isThere(one, directory));
  if (missing.length === 0) return;
  await using apt = await openApt();
  await apt.download(missing, directory);
}

export function debName({ sha256 }: DebianPackage): string {
  return `${sha256}.deb`;
}

/** Fetches the package lists. Needs a Debian machine whose sources have the release that the lock pins. */
export async function openApt(): Promise<Apt> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'larder-apt-')));
  await mkdir(join(own.path, 'state/lists/partial'), { recursive: true });
  await mkdir(join(own.path, 'cache/archives/partial'), { recursive: true });
  const settings = {
    'Dir::State': join(own.path, 'state'),
    // Makes apt assume that nothing is installed: this machine's packages must not decide which ones the image gets.
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(own.path, 'cache'),
    'APT::Architectures': Object.values(PLATFORMS)
      .map(({ architecture }) => architecture)
      .join(','),
    // apt's default user, _apt, cannot read our directories.
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', ['update', ...options]);
  const resources = cleanup.move();

  return {
    async newest(names, architecture) {
      const wanted = names.map((name) => `${name}:${architecture}`);
      const shown = await run('apt-cache', ['show', '--no-all-versions', ...options, ...wanted]);
      return shown.trim().split('\n\n').map(packageOf);
    },
    async download(packages, directory) {
      await mkdir(directory, { recursive: true });
      await using work = await mkdtempDisposable(join(directory, 'download-'));
      const wanted = packages.map(({ name, version, architecture }) =>
        architecture === 'all' ? `${name}=${version}` : `${name}:${architecture}=${version}`,
      );
      await run('apt-get', ['download', ...options, ...wanted], work.path).catch((cause: unknown) => {
        const hint = 'Debian may have replaced a package that the lock pins; run: npm run image:lock';
        throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n  ${hint}`, { cause });
      });
      const found = await filesByHash(work.path);
      for (const one of packages) {
        const path = found.get(one.sha256);
        if (path === undefined)
          throw new Error(`${one.name} ${one.version} for ${one.architecture} is not what the lock pins`);
        await rename(path, join(directory, debName(one)));
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function isThere(one: DebianPackage, directory: string): boolean {
  const path = join(directory, debName(one));
  return existsSync(path) && hash('sha256', readFileSync(path), 'hex') === one.sha256;
}

async function filesByHash(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    files.set(hash('sha256', await readFile(path), 'hex'), path);
  }
  return files;
}

/** Reads a paragraph of a package list (deb822(5)). */
function packageOf(paragraph: string): DebianPackage {
  const field = (name: string): string =>
    new RegExp(`^${name}: (.+)$`, 'm').exec(paragraph)?.[1] ?? missingField(name, paragraph);
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture') as DebianPackage['architecture'],
    sha256: field('SHA256'),
  };
}

function missingField(name: string, paragraph: string): never {
  throw new Error(`apt-cache shows no ${name} in: ${paragraph.slice(0, 100)}`);
}
