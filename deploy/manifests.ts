import { stringify } from 'yaml';
import { CHART, WITHOUT_CLUSTER, type Helm } from '../test/cluster/helm.ts';

const NAMESPACE = 'larder-system';

/** Stands for the image of whoever installs it: no registry is Larder's own. */
const IMAGE = 'registry.example.com/larder';

const HEADER = `# Rendered from deploy/charts/larder by \`npm run generate:install\`; a test keeps it in step.
# Put the name of your image in place of ${IMAGE}.
`;

/** The chart with its defaults as files below `deploy/`, for those who do without Helm: to install Larder, and to take it away in order. */
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
      // What would keep them is known to Helm alone.
      '--set=crds.keep=false',
      ...WITHOUT_CLUSTER,
      ...args,
    );
  return [
    { name: 'install.yaml', text: HEADER + namespace() + (await render('--no-hooks')) },
    { name: 'uninstall.yaml', text: HEADER + (await render('--show-only=templates/uninstall.yaml')) },
  ];
}

/** The node agent is in the network of its node and writes to its disk, which only `privileged` allows. */
function namespace(): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  });
}
