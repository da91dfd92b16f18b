import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Origin } from '../image/oci-image.ts';
import { packageChart } from './chart.ts';
import { packNpm, writeChecksums, writeManifests } from './files.ts';
import type { Forge } from './forge.ts';
import { buildImage, type BuiltImage } from './image.ts';
import type { Artifact } from './provenance.ts';
import type { Tools } from './tools.ts';

export interface BuildOptions {
  readonly origin: Origin;
  readonly forge: Forge | undefined;
  readonly changes: readonly string[];
  /** Repository that the image is published in, undefined where it is not. */
  readonly repository: string | undefined;
}

/** Contents of a release's directory. */
export interface BuiltRelease {
  readonly image: BuiltImage;
  /** The packaged chart, one of the files. */
  readonly chart: string;
  /** Files for download. */
  readonly files: readonly Artifact[];
}

/** Builds everything that a release consists of into the directory `out`. Publishes nothing. */
export async function buildRelease(
  tools: Tools,
  { origin, forge, changes, repository }: BuildOptions,
  work: string,
  out: string,
): Promise<BuiltRelease> {
  const { version } = origin;
  const image = await buildImage(out, origin);
  const platforms = image.platforms.map(({ platform }) => platform);
  // The package for npm is called larder-VERSION.tgz as well.
  const chart = `larder-chart-${version}.tgz`;
  const facts = { version, changes, forge, image: repository, platforms };
  await packageChart(tools, facts, work, join(out, chart));
  const files = await writeChecksums(out, [
    await packNpm(out),
    chart,
    ...(await writeManifests(out, repository)),
    ...image.platforms.map(({ sbom }) => sbom),
  ]);
  await writeFile(join(out, 'notes.md'), changes.map((change) => `- ${change}\n`).join(''));
  return { image, chart, files };
}
