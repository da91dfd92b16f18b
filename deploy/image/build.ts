/**
 * `npm run image -- --out DIR [--platform P,P] [--revision SHA] [--epoch SECONDS]`: builds the image of Larder without
 * a container engine. Writes DIR/oci, an OCI image layout with every platform, and DIR/sbom-ARCHITECTURE.cdx.json.
 * README.md beside this file says what it needs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { debName, openApt } from './apt.ts';
import { bundle } from './bundle.ts';
import { debianFiles } from './debian-files.ts';
import { lockedPackages } from './debian-lock.ts';
import { larderFiles } from './larder-files.ts';
import { layerOf } from './layer.ts';
import { nodeFiles } from './node-files.ts';
import { createNpmLock, ROOT } from './npm-lock.ts';
import { ociImage, type Origin } from './oci-image.ts';
import { writeLayout, type PlatformImage } from './oci-layout.ts';
import { isPlatform, PLATFORMS, type Platform } from './platforms.ts';
import { run } from './run.ts';
import { sbomOf } from './sbom.ts';
import { systemFiles } from './system-files.ts';

/** What was fetched, by content; survives builds. */
const DOWNLOADS = join(ROOT, '.parts/image');

const { out, platforms, origin } = await readArguments();
const pinned = createNpmLock();
const program = await bundle();
const larder = larderFiles(program, origin.version, pinned);
const larderLayer = await layerOf('Larder', larder, origin.epoch);
await fetchDebianPackages();

const images = await Promise.all(platforms.map(buildPlatform));
await mkdir(out, { recursive: true });
const layout = join(out, 'oci');
await rm(layout, { recursive: true, force: true });
const index = await writeLayout(layout, images, origin);
for (const { architecture, image, sbom } of images) {
  await writeFile(join(out, `sbom-${architecture}.cdx.json`), sbom);
  const bytes = image.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  console.log(
    `linux/${architecture} ${image.manifest.descriptor.digest} ${(bytes / 1e6).toFixed(1)} MB compressed`,
  );
}
console.log(`index ${index.descriptor.digest} tagged ${origin.version} in ${layout}`);

async function buildPlatform(platform: Platform): Promise<PlatformImage> {
  const { architecture, nodePackage } = PLATFORMS[platform];
  const debian = lockedPackages(architecture);
  const node = pinned(`node_modules/${nodePackage}`);
  // The same in every release with the same pins, whenever that is built: who updates fetches the last layer alone.
  const below = await Promise.all([
    layerOf('Debian packages', [...(await debianFiles(debian, DOWNLOADS)), ...systemFiles()], 0),
    layerOf(`Node.js ${node.version}`, await nodeFiles(node, DOWNLOADS), 0),
  ]);
  const contents = { debian, node, npm: program.packages.map(pinned) };
  const sbom = Buffer.from(`${JSON.stringify(sbomOf(contents, origin), null, 2)}\n`);
  return { architecture, image: ociImage(architecture, [...below, larderLayer], origin), sbom };
}

async function fetchDebianPackages(): Promise<void> {
  const packages = platforms.flatMap((platform) => lockedPackages(PLATFORMS[platform].architecture));
  const missing = new Map(
    packages
      .filter((one) => !existsSync(join(DOWNLOADS, debName(one))))
      .map((one) => [one.sha256, one]),
  );
  if (missing.size === 0) return;
  await using apt = await openApt();
  await apt.download([...missing.values()], DOWNLOADS);
}

async function readArguments(): Promise<{ out: string; platforms: Platform[]; origin: Origin }> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      platform: { type: 'string', default: Object.keys(PLATFORMS).join(',') },
      revision: { type: 'string' },
      epoch: { type: 'string', default: process.env['SOURCE_DATE_EPOCH'] },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR is missing: where the image is to be written');
  const platforms = values.platform.split(',').map((name) => {
    if (isPlatform(name)) return name;
    throw new Error(`--platform ${name}: expected some of ${Object.keys(PLATFORMS).join(',')}`);
  });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const revision = values.revision ?? (await git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'));
  const epoch = z.coerce.number().int().min(0).parse(values.epoch ?? (await git('log', '-1', '--format=%ct')));
  return { out: values.out, platforms, origin: { version, revision, epoch } };
}

async function git(...args: readonly string[]): Promise<string> {
  return (await run('git', args, ROOT)).trim();
}
