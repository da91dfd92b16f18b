import { stringify } from 'yaml';
import { CHART, WITHOUT_CLUSTER, type Helm } from '../test/cluster/helm.ts';

const NAMESPACE = 'larder-system';

/** Placeholder that users replace by their own image, because Larder has no registry of its own. */
const IMAGE = 'registry.example.com/larder';

const HEADER = `# Rendered from deploy/charts/larder by \`npm run generate:install\`; a test keeps it in step.
# Put the name of your image in place of ${IMAGE}.
`;

/**
 * Renders the chart with its defaults into files below `deploy/`, for users without Helm: one installs Larder, the other uninstalls
 * Larder in order.
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
  ];
}

/** Namespace that allows `privileged` Pods. The node agent needs that: it is in the network of its node and writes to the node's disk. */
function namespace(): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  });
}
