import { SHOOT_NAMESPACE } from '../caches/shoot-names.ts';

const API_SERVER = 'kube-apiserver:443';

/**
 * Lets the Prometheus of a shoot scrape the caches through the API server, the only way from the seed to their pods. Of their metrics it keeps
 * those that Distribution has as well, and whether the store is handed back.
 */
export function scrapeConfigSpec(): object {
  const authorization = { credentials: { name: 'shoot-access-prometheus-shoot', key: 'token' } };
  // Prometheus has neither the authority of the API server nor that of the kubelets.
  const tlsConfig = { insecureSkipVerify: true };
  return {
    honorLabels: false,
    scrapeTimeout: '10s',
    scheme: 'HTTPS',
    tlsConfig,
    authorization,
    kubernetesSDConfigs: [
      {
        apiServer: `https://${API_SERVER}`,
        role: 'Endpoints',
        namespaces: { names: [SHOOT_NAMESPACE] },
        authorization,
        tlsConfig,
        followRedirects: true,
      },
    ],
    relabelings: RELABELINGS,
    metricRelabelings: [
      { sourceLabels: ['__name__'], action: 'keep', regex: '^(registry_proxy_.+|larder_store_handed_back)$' },
    ],
  };
}

const POD = '__meta_kubernetes_pod';

const RELABELINGS = [
  { action: 'replace', targetLabel: 'job', replacement: 'registry-cache-metrics' },
  // Ports of other pods in the namespace, and the port for clients.
  {
    sourceLabels: [`${POD}_label_upstream_host`, `${POD}_container_port_name`],
    action: 'keep',
    regex: '(.+);debug',
  },
  { action: 'labelmap', regex: `${POD}_label_(.+)` },
  { action: 'replace', targetLabel: '__address__', replacement: API_SERVER },
  {
    sourceLabels: [`${POD}_name`, `${POD}_container_port_number`],
    action: 'replace',
    regex: '(.+);(.+)',
    targetLabel: '__metrics_path__',
    replacement: `/api/v1/namespaces/${SHOOT_NAMESPACE}/pods/\${1}:\${2}/proxy/metrics`,
  },
] as const;
