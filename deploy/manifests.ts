import { parseAllDocuments, stringify } from 'yaml';
import { LARDER_NAMESPACE } from '../src/gardener/caches/shoot-names.ts';
import { CHART, WITHOUT_CLUSTER, type Helm } from '../test/cluster/helm.ts';

/** Release of which the objects in shoots are made: that of the manifests for users, so both have the same names. */
const NAMESPACE = LARDER_NAMESPACE;

/** Placeholder that users replace by their own image, because Larder has no registry of its own. */
const IMAGE = 'registry.example.com/larder';

const HEADER = `# Rendered from deploy/charts/larder by \`npm run generate:install\`; a test keeps it in step.
# Put the name of your image in place of ${IMAGE}.
`;

/**
 * Renders the chart into files, by their paths from `deploy/`. Two are for users without Helm: one installs Larder, the other uninstalls
 * Larder in order. The third has the objects that `larder extension` brings to shoots.
 */
export async function renderManifests(
  helm: Helm,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const render = (...args: string[]) =>
    helm(
      'template',
      'larder',
      CHART,
      `--namespace=${NAMESPACE}`,
      `--set=image.repository=${IMAGE}`,
      // The annotation that keeps CRDs has a meaning to Helm only.
      '--set=crds.keep=false',
      ...WITHOUT_CLUSTER,
      ...args,
    );
  return [
    { name: 'install.yaml', text: HEADER + namespace() + (await render('--no-hooks')) },
    { name: 'uninstall.yaml', text: HEADER + (await render('--show-only=templates/uninstall.yaml')) },
    {
      name: '../src/gardener/replication/chart-objects.ts',
      text: chartObjectsModule(
        // The CRDs are in `src` already. Nothing else of the chart depends on the version of Kubernetes.
        await render(
          '--no-hooks',
          '--set=crds.install=false',
          '--set=priorityClassName=system-cluster-critical',
          // Made by gardenlet from 1.149 on, if the registry of Gardener's own images has a private CA.
          '--set=trustedCa=kube-system/registry-ca-bundle',
        ),
      ),
    },
  ];
}

/** Account that uninstalls by the Job of `uninstall.yaml`. In a shoot `larder extension` does that itself. */
const UNINSTALL = 'larder-uninstall';

function chartObjectsModule(yaml: string): string {
  const objects = parseAllDocuments(yaml)
    .map((document) => document.toJS() as { readonly metadata: { readonly name: string } } | null)
    .filter((object) => object !== null && object.metadata.name !== UNINSTALL);
  return (
    '// Rendered from deploy/charts/larder by `npm run generate:install`; a test keeps it in step.\n' +
    "import type { ChartObject } from './chart-object.ts';\n\n" +
    "/** Objects of the operator's chart, with a placeholder for the image. */\n" +
    `export const CHART_OBJECTS: readonly ChartObject[] = ${JSON.stringify(objects, undefined, 2)};\n`
  );
}

/** Namespace that allows `privileged` Pods. The node agent needs that: it is in the network of its node and writes to the node's disk. */
function namespace(): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  });
}
