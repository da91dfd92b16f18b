import type { CacheDocument } from '../../api/registry-config/schema.ts';
import type { KubeObject } from '../../kube/types.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import { referenceAnnotations } from '../managed-resources/references.ts';
import { POD_PATHS } from './distribution-document.ts';
import { POD_LABEL, SHOOT_NAMESPACE, shootNamesOf } from './shoot-names.ts';

/** User `nonroot` of the image. */
const USER = 65532;

/** Name of the container, by which the autoscaler finds it. */
export const CACHE_CONTAINER = 'registry-cache';

export interface CachePodValues {
  readonly image: string;
  /** Name of the Secret with the configuration. */
  readonly configSecret: string;
  /** Name of the Secret with the certificate; undefined for a cache that serves http. */
  readonly tlsSecret: string | undefined;
}

/**
 * Runs a cache as the Go extension runs Distribution: without arguments, with its mounts, ports, probes and volume (decision 0018). For high
 * availability gardener-resource-manager adds a second replica.
 */
export function shootStatefulSet(
  cache: CacheDocument,
  values: CachePodValues,
): KubeObject & { readonly spec: object } {
  const { name, labels } = shootNamesOf(cache);
  const { configSecret, tlsSecret } = values;
  const annotations = referenceAnnotations([configSecret, ...(tlsSecret === undefined ? [] : [tlsSecret])]);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name,
      namespace: SHOOT_NAMESPACE,
      labels: { ...labels, ...(cache.highAvailability.enabled && HIGH_AVAILABILITY) },
      annotations,
    },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels: { ...labels, ...POD_LABEL, ...EGRESS }, annotations },
        spec: podSpec(cache, values),
      },
      volumeClaimTemplates: [claimTemplate(cache)],
    },
  };
}

/** Asks the webhook of gardener-resource-manager for several replicas. */
const HIGH_AVAILABILITY = { 'high-availability-config.resources.gardener.cloud/type': 'server' } as const;

/** Opens the network policies of a shoot. */
const EGRESS = {
  'networking.gardener.cloud/to-dns': 'allowed',
  'networking.gardener.cloud/to-public-networks': 'allowed',
} as const;

function podSpec(cache: CacheDocument, values: CachePodValues): object {
  const { configSecret, tlsSecret } = values;
  return {
    automountServiceAccountToken: false,
    priorityClassName: 'system-cluster-critical',
    securityContext: {
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container(cache, values)],
    volumes: [
      { name: 'config-volume', secret: { secretName: configSecret } },
      ...(tlsSecret === undefined
        ? []
        : [{ name: 'certs-volume', secret: { secretName: tlsSecret, defaultMode: 0o640 } }]),
    ],
  };
}

function container({ proxy }: CacheDocument, { image, tlsSecret }: CachePodValues): object {
  const probe = {
    httpGet: { path: '/debug/health', port: PORTS.admin },
    successThreshold: 1,
    periodSeconds: 20,
  };
  const env = [
    ...(proxy.httpProxy === undefined ? [] : [{ name: 'HTTP_PROXY', value: proxy.httpProxy }]),
    ...(proxy.httpsProxy === undefined ? [] : [{ name: 'HTTPS_PROXY', value: proxy.httpsProxy }]),
  ];
  return {
    name: CACHE_CONTAINER,
    image,
    imagePullPolicy: 'IfNotPresent',
    // 98 to 168 MB resident (decision 0018). Distribution asks for 50Mi.
    resources: { requests: { cpu: '20m', memory: '128Mi' } },
    ...(env.length > 0 && { env }),
    ports: [
      { name: 'registry-cache', containerPort: PORTS.registry },
      { name: 'debug', containerPort: PORTS.admin },
    ],
    livenessProbe: { ...probe, failureThreshold: 6 },
    readinessProbe: { ...probe, failureThreshold: 3 },
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'cache-volume', mountPath: POD_PATHS.store },
      { name: 'config-volume', mountPath: POD_PATHS.config },
      ...(tlsSecret === undefined ? [] : [{ name: 'certs-volume', mountPath: POD_PATHS.certificates }]),
    ],
  };
}

/** The claim of a volume. gardener-resource-manager keeps the template of an existing StatefulSet. */
function claimTemplate(cache: CacheDocument): object {
  const { size, storageClassName } = cache.volume;
  return {
    metadata: { name: 'cache-volume', labels: shootNamesOf(cache).labels },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size.text } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  };
}
