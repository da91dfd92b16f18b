import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow } from './file-tree.ts';
import type { NpmPackage } from './npm-lock.ts';
import { run } from './run.ts';
import type { TarEntry } from './tar.ts';

const PLACES: Readonly<Record<string, string>> = {
  'bin/node': 'usr/bin/node',
  LICENSE: 'usr/share/doc/node/LICENSE',
};

/**
 * Lists the files of Node.js for any platform, from the npm package that also brings Node.js to installations by npm. Fetches the
 * package into `directory` if it is missing there, and verifies it against the lock's integrity every time.
 */
export async function nodeFiles(node: NpmPackage, directory: string): Promise<TarEntry[]> {
  const tarball = join(directory, `${node.name}-${node.version}.tgz`);
  if (!existsSync(tarball)) await fetchPackage(node, tarball, directory);
  const [algorithm = '', expected] = node.integrity.split('-', 2);
  const found = hash(algorithm, await readFile(tarball), 'base64');
  if (found !== expected)
    throw new Error(`${tarball} is not what package-lock.json pins: delete it and try again`);
  await using unpacked = await mkdtempDisposable(join(tmpdir(), 'larder-node-'));
  await run('tar', ['-xzf', tarball, '-C', unpacked.path]);
  const files = filesBelow(join(unpacked.path, 'package'), (name) => name in PLACES);
  return files.map((entry) => ({ ...entry, name: PLACES[entry.name] ?? entry.name }));
}

async function fetchPackage({ name, version }: NpmPackage, target: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await using work = await mkdtempDisposable(join(directory, 'download-'));
  await run('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], work.path);
  const [file] = await readdir(work.path);
  if (file === undefined) throw new Error(`npm pack gave no file for ${name}@${version}`);
  await rename(join(work.path, file), target);
}
