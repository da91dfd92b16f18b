/**
 * `npm run image -- --out DIR [--platform P,P] [--revision SHA] [--epoch SECONDS]`: builds the image of Larder without
 * a container engine. Writes DIR/oci, an OCI image layout with every platform, and DIR/sbom-ARCHITECTURE.cdx.json.
 * README.md beside this file says what it needs.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchDebs } from './apt.ts';
import { bundle } from './bundle.ts';
import { debianFiles } from './debian-files.ts';
import { lockedPackages } from './debian-lock.ts';
import { larderFiles } from './larder-files.ts';
import { layerOf } from './layer.ts';
import { nodeFiles } from './node-files.ts';
import { createNpmLock, ROOT } from './npm-lock.ts';
import { ociImage } from './oci-image.ts';
import { sbomName, writeLayout, type PlatformImage } from './oci-layout.ts';
import { PLATFORMS, type Platform } from './platforms.ts';
import { readArguments, type BuildArguments } from './read-arguments.ts';
import { sbomOf } from './sbom.ts';
import { systemFiles } from './system-files.ts';

/** Downloads, named by their content and kept between builds. */
const DOWNLOADS = join(ROOT, '.parts/image');

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    await build(await readArguments(args));
    return 0;
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function build({ out, platforms, origin }: BuildArguments): Promise<void> {
  const pinned = createNpmLock();
  const program = await bundle();
  const larder = await layerOf('Larder', larderFiles(program, origin.version, pinned), origin.epoch);
  await fetchDebs(
    platforms.flatMap((platform) => lockedPackages(PLATFORMS[platform].architecture)),
    DOWNLOADS,
  );

  async function buildPlatform(platform: Platform): Promise<PlatformImage> {
    const { architecture, nodePackage } = PLATFORMS[platform];
    const debian = lockedPackages(architecture);
    const node = pinned(`node_modules/${nodePackage}`);
    // These layers depend on the pins only, not on the time of the build. An update with the same pins fetches only the last layer.
    const below = await Promise.all([
      layerOf('Debian packages', [...(await debianFiles(debian, DOWNLOADS)), ...systemFiles()], 0),
      layerOf(`Node.js ${node.version}`, await nodeFiles(node, DOWNLOADS), 0),
    ]);
    const contents = { debian, node, npm: program.packages.map(pinned) };
    return {
      architecture,
      image: ociImage(architecture, [...below, larder], origin),
      sbom: Buffer.from(`${JSON.stringify(sbomOf(contents, origin), null, 2)}\n`),
    };
  }

  const images = await Promise.all(platforms.map(buildPlatform));
  const layout = join(out, 'oci');
  await mkdir(out, { recursive: true });
  await rm(layout, { recursive: true, force: true });
  const index = await writeLayout(layout, images, origin);
  for (const { architecture, image, sbom } of images) {
    await writeFile(join(out, sbomName(architecture)), sbom);
    const bytes = image.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    const { digest } = image.manifest.descriptor;
    console.log(`linux/${architecture} ${digest} ${(bytes / 1e6).toFixed(1)} MB compressed`);
  }
  console.log(`index ${index.descriptor.digest} tagged ${origin.version} in ${layout}`);
}
