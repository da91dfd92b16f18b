import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/start-cluster.ts';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD_LIMIT_MS = 300_000;

/** Builds the image of this checkout for this machine into a directory, in 12 s. Throws an `Error` with the output of a failed build. */
export async function buildLarderImage(directory: string): Promise<void> {
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  await run('npm', ['run', 'image', '--', '--out', directory, '--platform', platform], {
    cwd: ROOT,
    limit: BUILD_LIMIT_MS,
  });
}

/** Name of an image in a chart's values. */
export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}

/** Pushes the image of {@link buildLarderImage} to the cluster's registry, with its version and each of `tags` as tags. Needs the part oras. */
export async function pushLarderImage(
  cluster: Cluster,
  directory: string,
  tags: readonly string[] = [],
): Promise<ImageName> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { host } = new URL(await cluster.reach(cluster.registry.url));
  const target = `${host}/larder:${[version, ...tags].join(',')}`;
  const source = ['--from-oci-layout', `${join(directory, 'oci')}:${version}`];
  await run(needPart('oras'), ['cp', ...source, '--to-plain-http', target]);
  return { repository: `${cluster.registry.name}/larder`, tag: version };
}
