import { fileURLToPath } from 'node:url';
import { CHART } from '../../test/cluster/helm.ts';
import { GARDENER_CHARTS, GARDENER_CHARTS_PATH } from '../chart-files/gardener-chart-yaml.ts';

/** Chart of the checkout that a release publishes. */
export interface ReleasedChart {
  /** Folder in the checkout. */
  readonly folder: string;
  /** Name in `Chart.yaml`, and the last part of its name in the registry. */
  readonly name: string;
  /** Path below the place of all charts, with a slash at the end; empty for the place itself. */
  readonly path: string;
  /** Beginning of the name of its file. */
  readonly file: string;
  /** False for a chart that runs nothing, so that it has no value for an image. */
  readonly hasImage: boolean;
  /** Its guide in `docs/guide/`. */
  readonly guide: string;
}

/** The charts of a release: the one for clusters, and those for Gardener. */
export const RELEASED_CHARTS: readonly ReleasedChart[] = [
  {
    folder: CHART,
    name: 'larder',
    path: '',
    // The package for npm is called larder-VERSION.tgz as well.
    file: 'larder-chart',
    hasImage: true,
    guide: 'kubernetes.md',
  },
  ...GARDENER_CHARTS.map(({ part, folder, name }) => ({
    folder: fileURLToPath(new URL(`../charts/${folder}`, import.meta.url)),
    name,
    path: `${GARDENER_CHARTS_PATH}/`,
    file: `gardener-${name}`,
    hasImage: part !== 'application',
    guide: 'gardener.md',
  })),
];
