import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { configMapName } from './config-map.ts';
import { additionalLabelsAnnotation } from '../cluster/additional-labels.ts';
import { OWNER_ANNOTATION, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { cacheNamesOf, cacheObject, certificateSecretName, PORTS } from './cache-names.ts';
import { secretVolume } from './secret-object.ts';

/** User `nonroot` of the image. */
const USER = 65532;
/** Responses in progress may take 30 s after SIGTERM (docs/laws.md, "Do no harm"). */
const GRACE_SECONDS = 40;
/** Share of the volume for the store. File systems reserve some space, and a cache with a full disk stores nothing, so every pull would reach the upstream. */
const STORE_SHARE = 0.9;

/** Runs the cache in one pod that meets the `restricted` Pod Security Standard. */
export function statefulSet(values: CacheValues): KubeObject & { spec: object } {
  const { name, selector, labels } = cacheNamesOf(values);
  return cacheObject(values, name, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    spec: {
      replicas: 1,
      // The default, `OrderedReady`, does not replace a pod that is not ready, so a corrected image would never replace one that cannot be
      // pulled (kubernetes/kubernetes#67250). One replica needs no order.
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 2,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...values.objectLabels, ...values.podLabels, ...labels } },
        spec: podSpec(values),
      },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: values.claimRetention, whenScaled: 'Retain' },
      volumeClaimTemplates: values.claimTemplates ?? [claimTemplate(values)],
    },
  });
}

/** Name of the volume claim of the only pod. */
export function claimName(name: string): string {
  return `cache-volume-${name}-0`;
}

function claimTemplate(values: CacheValues): object {
  const { volume } = values.cache;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    // Binds the volume to this owner and upstream. No other cache may mount it, because this owner's credentials decided who may read its
    // content.
    metadata: {
      name: 'cache-volume',
      labels: { ...values.objectLabels, ...cacheNamesOf(values).labels },
      annotations: {
        [UPSTREAM_ANNOTATION]: values.cache.upstream,
        [OWNER_ANNOTATION]: values.owner,
        ...additionalLabelsAnnotation(values.objectLabels),
      },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: volume.size } },
      ...(volume.storageClassName !== undefined && { storageClassName: volume.storageClassName }),
    },
  };
}

function podSpec(values: CacheValues): object {
  const { image, imagePullSecrets, serviceAccountName, cache, priorityClassName } = values;
  const { tolerations, nodeSelector } = values;
  const probe = (path: string) => ({ httpGet: { path, port: 'debug' }, periodSeconds: 10 });
  return {
    // Webhooks of clouds still mount their own token, which is for that cloud only.
    automountServiceAccountToken: false,
    // Always set: the API server keeps a copy in `serviceAccount`, and would restore it if this field were left out later.
    serviceAccountName,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(imagePullSecrets.length > 0 && {
      imagePullSecrets: imagePullSecrets.map((secret) => ({ name: secret })),
    }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'registry-cache',
        image,
        imagePullPolicy: 'IfNotPresent',
        args: args(values),
        ports: [
          { name: 'registry-cache', containerPort: PORTS.registry, protocol: 'TCP' },
          { name: 'debug', containerPort: PORTS.admin, protocol: 'TCP' },
        ],
        // 110 to 140 MB measured under load (bench/README.md). No CPU limit, because it would slow the pulls of every node.
        resources: { requests: { cpu: '20m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        startupProbe: { ...probe('/readyz'), periodSeconds: 1, failureThreshold: 120 },
        readinessProbe: { ...probe('/readyz'), failureThreshold: 2 },
        livenessProbe: { ...probe('/healthz'), failureThreshold: 6, timeoutSeconds: 5 },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'cache-volume', mountPath: '/var/lib/larder' },
          { name: 'config', mountPath: '/etc/larder/config', readOnly: true },
          { name: 'secrets', mountPath: '/etc/larder/secrets', readOnly: true },
          ...(cache.http.tls ? [{ name: 'tls', mountPath: '/etc/larder/tls', readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: configMapName(values) } },
      { name: 'secrets', ...secretVolume(values) },
      ...(cache.http.tls
        ? [{ name: 'tls', secret: { secretName: certificateSecretName(cache), defaultMode: 0o440 } }]
        : []),
    ],
  };
}

function args({ cache, volumeBytes, relayUrl }: CacheValues): string[] {
  const limit = Math.floor(volumeBytes * STORE_SHARE);
  return [
    'serve',
    '--config=/etc/larder/config/config.yaml',
    '--secrets=/etc/larder/secrets',
    `--address=[::]:${PORTS.registry}`,
    `--admin-address=[::]:${PORTS.admin}`,
    '--store=/var/lib/larder/store',
    `--max-size=${limit}`,
    `--external-url=${relayUrl}`,
    '--log-format=json',
    ...(cache.http.tls ? ['--tls-cert=/etc/larder/tls/tls.crt', '--tls-key=/etc/larder/tls/tls.key'] : []),
  ];
}
