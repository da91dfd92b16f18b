import { crdYaml } from '../src/api/crd/custom-resource.ts';
import { MIRROR_CONFIG_CRD } from '../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../src/api/crd/registry-config-crd.ts';
import { chartYaml } from './chart-files/chart-yaml.ts';
import { crdTemplate } from './chart-files/crd-template.ts';
import { GARDENER_CHARTS, gardenerChartYaml } from './chart-files/gardener-chart-yaml.ts';
import { controllerRegistrationYaml, operatorExtensionYaml } from './chart-files/gardener-registration.ts';
import { valuesJsonSchema } from './chart-files/value-list.ts';
import { valuesYaml } from './chart-files/values-yaml.ts';
import { gardenerDifferencesPage } from './gardener-differences.ts';

const CHART = 'charts/larder';

/** Files that are generated from the source, by their paths from `deploy/`. They are checked in for users who do not run a generator. */
export const GENERATED_FILES: readonly { readonly name: string; readonly text: string }[] = [
  ...[REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD].flatMap((definition) => {
    const file = `crds/${definition.metadata.name}.yaml`;
    return [
      { name: file, text: crdYaml(definition) },
      { name: `${CHART}/templates/${file}`, text: crdTemplate(definition) },
    ];
  }),
  { name: `${CHART}/Chart.yaml`, text: chartYaml() },
  { name: `${CHART}/values.yaml`, text: valuesYaml() },
  ...GARDENER_CHARTS.map((chart) => ({
    name: `charts/${chart.folder}/Chart.yaml`,
    text: gardenerChartYaml(chart),
  })),
  { name: '../docs/reference/gardener-differences.md', text: gardenerDifferencesPage() },
  { name: 'gardener/controller-registration.yaml', text: controllerRegistrationYaml() },
  { name: 'gardener/extension.yaml', text: operatorExtensionYaml() },
  { name: `${CHART}/values.schema.json`, text: `${JSON.stringify(valuesJsonSchema(), null, 2)}\n` },
];
