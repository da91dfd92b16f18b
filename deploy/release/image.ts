import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Origin } from '../image/oci-image.ts';
import { sbomName } from '../image/oci-layout.ts';
import { isPlatform, PLATFORMS } from '../image/platforms.ts';
import { run } from '../image/run.ts';

/** The image in an OCI layout. */
export interface BuiltImage {
  /** Directory of the layout, in which the image is tagged with its version. */
  readonly layout: string;
  /** Digest of the index. */
  readonly digest: string;
  readonly platforms: readonly PlatformManifest[];
}

export interface PlatformManifest {
  /** `linux/amd64`. */
  readonly platform: string;
  readonly digest: string;
  /** File name of its bill of materials, beside the layout. */
  readonly sbom: string;
}

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform?: { readonly os: string; readonly architecture: string };
  }[];
}

const BUILD = fileURLToPath(new URL('../image/build.ts', import.meta.url));

/** Builds the image of every platform into a directory. */
export async function buildImage(out: string, { revision, epoch }: Origin): Promise<BuiltImage> {
  await run(process.execPath, [BUILD, '--out', out, '--revision', revision, '--epoch', String(epoch)]);
  const layout = join(out, 'oci');
  const digest = readIndex(join(layout, 'index.json')).manifests[0]?.digest ?? '';
  const { manifests } = readIndex(join(layout, 'blobs', digest.replace(':', '/')));
  return { layout, digest, platforms: manifests.map(platformManifest) };
}

function platformManifest({ digest, platform }: Index['manifests'][number]): PlatformManifest {
  const name = `${platform?.os}/${platform?.architecture}`;
  if (!isPlatform(name)) throw new Error(`the image has an unknown platform, ${name}`);
  return { platform: name, digest, sbom: sbomName(PLATFORMS[name].architecture) };
}

function readIndex(file: string): Index {
  return JSON.parse(readFileSync(file, 'utf8')) as Index;
}
