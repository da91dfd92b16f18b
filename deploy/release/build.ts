import { join } from 'node:path';
import type { Origin } from '../image/oci-image.ts';
import { packageChart } from './chart.ts';
import { RELEASED_CHARTS, type ReleasedChart } from './charts.ts';
import { packNpm, writeManifests } from './files.ts';
import type { Forge } from './forge.ts';
import { buildImage, type BuiltImage } from './image.ts';
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
  readonly charts: readonly BuiltChart[];
  /** Names of the files for download, the charts among them. */
  readonly files: readonly string[];
}

/** Packaged chart. */
export interface BuiltChart extends Pick<ReleasedChart, 'name' | 'path'> {
  /** Path of the file. */
  readonly file: string;
}

/** Builds everything that a release consists of before anything is published, into the directory `out`. */
export async function buildRelease(
  tools: Tools,
  { origin, forge, changes, repository }: BuildOptions,
  work: string,
  out: string,
): Promise<BuiltRelease> {
  const { version } = origin;
  const image = await buildImage(out, origin);
  const platforms = image.platforms.map(({ platform }) => platform);
  const facts = { version, changes, forge, image: repository, platforms };
  const charts: BuiltChart[] = [];
  const chartFiles: string[] = [];
  for (const chart of RELEASED_CHARTS) {
    const file = `${chart.file}-${version}.tgz`;
    await packageChart(tools, chart, facts, work, join(out, file));
    chartFiles.push(file);
    charts.push({ name: chart.name, path: chart.path, file: join(out, file) });
  }
  const files = [
    await packNpm(out),
    ...chartFiles,
    ...(await writeManifests(out, repository)),
    ...image.platforms.map(({ sbom }) => sbom),
  ];
  return { image, charts, files };
}
