import { dirname } from 'node:path';
import type { BuiltChart } from './build.ts';
import type { BuiltImage } from './image.ts';
import type { Artifact } from './provenance.ts';
import type { Tools } from './tools.ts';

/** Artifacts now in the registry. */
export interface Published {
  readonly image: Artifact;
  /** In the order in which they were given. */
  readonly charts: readonly Artifact[];
}

export interface PublishOptions {
  readonly version: string;
  /** Repository of the image. The charts go beside it, to {@link chartPlace}. */
  readonly repository: string;
  readonly image: BuiltImage;
  readonly charts: readonly BuiltChart[];
  readonly plainHttp: boolean;
}

/** Copies image, bills of materials and charts to the registry. */
export async function publish(tools: Tools, options: PublishOptions): Promise<Published> {
  const { version, repository, image, plainHttp } = options;
  const source = ['--from-oci-layout', `${image.layout}:${version}`];
  const http = plainHttp ? ['--to-plain-http'] : [];
  await tools.oras('cp', '--recursive', ...source, ...http, `${repository}:${version}`);
  const charts: Artifact[] = [];
  for (const chart of options.charts) charts.push(await pushChart(tools, chart, options));
  return { image: { name: repository, digest: image.digest }, charts };
}

/** Place of all charts beside the image: `HOST/team/charts` for `HOST/team/larder`. */
export function chartPlace(repository: string): string {
  return `${dirname(repository)}/charts`;
}

async function pushChart(
  { helm }: Tools,
  { file, name, path }: BuiltChart,
  { repository, plainHttp }: PublishOptions,
): Promise<Artifact> {
  const place = `${chartPlace(repository)}/${path}`;
  const http = plainHttp ? ['--plain-http'] : [];
  const { stdout, stderr } = await helm('push', file, `oci://${place.replace(/\/$/, '')}`, ...http);
  // The digest of what helm sent. What the registry says of the tag would be the registry's word.
  const digest = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(stdout + stderr)?.[1];
  if (digest === undefined) throw new Error(`helm push says no digest: ${stdout}${stderr}`);
  return { name: `${place}${name}`, digest };
}
