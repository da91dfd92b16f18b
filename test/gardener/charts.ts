import { fileURLToPath } from 'node:url';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../deploy/charts/${name}`, import.meta.url));

/** Paths of the charts for Gardener in this checkout. */
export const CHARTS = {
  controller: pathOf('gardener-extension-registry-cache'),
  runtime: pathOf('admission/charts/runtime'),
  application: pathOf('admission/charts/application'),
};
