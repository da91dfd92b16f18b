import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, digestOf } from '../../src/oci/digest.ts';
import { run } from '../image/run.ts';
import type { Artifact } from './provenance.ts';

const DEPLOY = join(import.meta.dirname, '..');

/** Stands for the image in `install.yaml` (see `../manifests.ts`). */
const PLACEHOLDER = 'registry.example.com/larder';

/** Packs what `npm install -g` takes, from the compiled program in `dist/`, and gives the name of the file. */
export async function packNpm(out: string): Promise<string> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', out];
  const [packed] = JSON.parse(await run('npm', args, join(DEPLOY, '..'))) as { filename: string }[];
  if (packed === undefined) throw new Error('npm pack made no package');
  return packed.filename;
}

/** Writes the manifests for those who do without Helm, with `image` where it is published, and gives their names. */
export async function writeManifests(out: string, image: string | undefined): Promise<string[]> {
  const crds = readdirSync(join(DEPLOY, 'crds')).sort();
  const texts = {
    'install.yaml': readDeploy('install.yaml').replaceAll(PLACEHOLDER, image ?? PLACEHOLDER),
    'uninstall.yaml': readDeploy('uninstall.yaml').replaceAll(PLACEHOLDER, image ?? PLACEHOLDER),
    'crds.yaml': crds.map((name) => readDeploy(`crds/${name}`)).join('---\n'),
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(out, name), text);
  return Object.keys(texts);
}

/** Writes `SHA256SUMS`, as `sha256sum --check` reads it, and gives the files with their digests. */
export async function writeChecksums(out: string, names: readonly string[]): Promise<Artifact[]> {
  const files = await Promise.all(
    names.map(async (name) => ({ name, digest: digestOf(await readFile(join(out, name))) })),
  );
  const lines = files.map(({ name, digest }) => `${digestHex(digest)}  ${name}\n`);
  await writeFile(join(out, 'SHA256SUMS'), lines.join(''));
  return files;
}

function readDeploy(name: string): string {
  return readFileSync(join(DEPLOY, name), 'utf8');
}
