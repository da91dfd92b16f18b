import { dirname } from 'node:path';
import type { BuiltImage } from './image.ts';
import type { Artifact } from './provenance.ts';
import type { Tools } from './tools.ts';

/** Artifacts now in the registry. */
export interface Published {
  readonly image: Artifact;
  readonly chart: Artifact;
}

export interface PublishOptions {
  readonly version: string;
  /** Repository of the image. The chart goes beside it, to `charts/larder`. */
  readonly repository: string;
  readonly image: BuiltImage;
  /** The packaged chart. */
  readonly chart: string;
  readonly plainHttp: boolean;
}

/** Copies image, bills of materials and chart to the registry. */
export async function publish({ oras, helm }: Tools, options: PublishOptions): Promise<Published> {
  const { version, repository, image, chart, plainHttp } = options;
  const source = ['--from-oci-layout', `${image.layout}:${version}`];
  await oras(
    'cp',
    '--recursive',
    ...source,
    ...(plainHttp ? ['--to-plain-http'] : []),
    `${repository}:${version}`,
  );
  const charts = `${dirname(repository)}/charts`;
  const { stdout, stderr } = await helm(
    'push',
    chart,
    `oci://${charts}`,
    ...(plainHttp ? ['--plain-http'] : []),
  );
  // The digest of what helm sent. What the registry says of the tag would be the registry's word.
  const digest = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(stdout + stderr)?.[1];
  if (digest === undefined) throw new Error(`helm push says no digest: ${stdout}${stderr}`);
  return { image: { name: repository, digest: image.digest }, chart: { name: `${charts}/larder`, digest } };
}
