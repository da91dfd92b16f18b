import { existsSync } from 'node:fs';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import type { ReleasedChart } from './charts.ts';
import type { Forge } from './forge.ts';
import type { Tools } from './tools.ts';

/** Facts that the charts of the checkout lack: address, version and changes. */
export interface ChartFacts {
  readonly version: string;
  readonly changes: readonly string[];
  readonly forge: Forge | undefined;
  /** Repository of the published image, undefined where nothing is published. */
  readonly image: string | undefined;
  readonly platforms: readonly string[];
}

/** Packages a chart with these facts into `file`. `work` is a directory for what is left over. */
export async function packageChart(
  { helm }: Tools,
  released: ReleasedChart,
  facts: ChartFacts,
  work: string,
  file: string,
): Promise<void> {
  const chart = join(work, released.name);
  await cp(released.folder, chart, { recursive: true });
  await edit(join(chart, 'Chart.yaml'), (text) => chartYamlWith(text, released, facts));
  if (released.hasImage) await edit(join(chart, 'values.yaml'), (text) => valuesWith(text, facts));
  const readme = join(chart, 'README.md');
  if (existsSync(readme)) await edit(readme, (text) => readmeWith(text, facts));
  await helm('package', chart, '--destination', work);
  await rename(join(work, `${released.name}-${facts.version}.tgz`), file);
}

/** `Chart.yaml` with addresses, and with the annotations of Artifact Hub that belong to a release. */
export function chartYamlWith(
  text: string,
  { guide, hasImage }: Pick<ReleasedChart, 'guide' | 'hasImage'>,
  { version, changes, forge, image, platforms }: ChartFacts,
): string {
  const document = parseDocument(text);
  if (forge !== undefined) {
    const { repository, server, owner } = forge;
    document.set('home', repository);
    document.set('sources', [`${repository}/tree/v${version}`]);
    document.set('maintainers', [{ name: owner, url: `${server}/${owner}` }]);
    annotate('links', [
      { name: 'Guide', url: `${repository}/blob/v${version}/docs/guide/${guide}` },
      { name: 'support', url: `${repository}/issues` },
    ]);
  }
  annotate('changes', changes);
  if (hasImage && image !== undefined)
    annotate('images', [{ name: 'larder', image: `${image}:${version}`, platforms }]);
  return document.toString({ lineWidth: 0 });

  function annotate(name: string, value: object): void {
    document.setIn(['annotations', `artifacthub.io/${name}`], stringify(value, { lineWidth: 0 }));
  }
}

/**
 * `values.yaml` with the published image as default. The checkout has no default: the owner of that place would own the cluster. Who
 * installs a published chart trusts its place already.
 */
export function valuesWith(text: string, { image }: ChartFacts): string {
  if (image === undefined) return text;
  const document = parseDocument(text);
  document.setIn(['image', 'repository'], image);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The README with links that work outside of the checkout. */
export function readmeWith(text: string, { forge, version }: ChartFacts): string {
  return forge === undefined
    ? text
    : text.replaceAll('](../../../', `](${forge.repository}/blob/v${version}/`);
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, 'utf8')));
}
