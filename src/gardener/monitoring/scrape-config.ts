const API_SERVER = 'kube-apiserver:443';

/**
 * Lets the Prometheus of a shoot scrape the caches through the API server, the only way from the seed to their pods. Of their metrics it keeps
 * those that Distribution has as well, and whether the store is handed back. `namespaces` are those of the shoot that have caches, at least one.
 */
export function scrapeConfigSpec(namespaces: readonly string[]): object {
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
        namespaces: { names: namespaces },
        authorization,
        tlsConfig,
        followRedirects: true,
      },
    ],
    relabelings: [...RELABELINGS, metricsPath(namespaces)],
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
] as const;

function metricsPath(namespaces: readonly string[]): object {
  const [only, ...others] = namespaces;
  const pod = [`${POD}_name`, `${POD}_container_port_number`];
  const isOne = others.length === 0;
  const place = isOne ? `${only}/pods/\${1}:\${2}` : '${1}/pods/${2}:${3}';
  return {
    sourceLabels: isOne ? pod : ['__meta_kubernetes_namespace', ...pod],
    action: 'replace',
    regex: isOne ? '(.+);(.+)' : '(.+);(.+);(.+)',
    targetLabel: '__metrics_path__',
    replacement: `/api/v1/namespaces/${place}/proxy/metrics`,
  };
}
