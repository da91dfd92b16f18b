import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GARDENER_CHARTS } from '../chart-files/gardener-chart-yaml.ts';
import {
  controllerRegistrationYaml,
  operatorExtensionYaml,
  type ChartReferences,
} from '../chart-files/gardener-registration.ts';
import type { Published } from './publish.ts';

/**
 * Writes what registers Larder with a Gardener landscape, and gives the names of the files. Charts are named by tag and digest where they are
 * published, and by a placeholder where they are not.
 */
export async function writeRegistrations(
  out: string,
  version: string,
  published: Published | undefined,
): Promise<string[]> {
  const references = published && gardenerReferences(published, version);
  const texts = {
    'gardener-extension.yaml': operatorExtensionYaml(references),
    'gardener-controller-registration.yaml': controllerRegistrationYaml(references),
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(out, name), text);
  return Object.keys(texts);
}

/** References by tag and digest: Gardener pulls the digest, the tag is for people. Throws an `Error` if a chart is not published. */
export function gardenerReferences({ charts }: Published, version: string): ChartReferences {
  const references = GARDENER_CHARTS.map(({ part, name }) => {
    const chart = charts.find((one) => one.name.endsWith(`/${name}`));
    if (chart === undefined) throw new Error(`the chart ${name} was not published`);
    return [part, `${chart.name}:${version}@${chart.digest}`];
  });
  return Object.fromEntries(references) as ChartReferences;
}
