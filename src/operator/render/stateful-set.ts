import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { configMapName } from './config-map.ts';
import { OWNER_ANNOTATION, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { cacheNamesOf, cacheObject, PORTS } from './cache-names.ts';
import { secretVolume } from './secret-files.ts';

/** `nonroot` of the image. */
const USER = 65532;
/** Running responses may take 30 s after SIGTERM (design, section 11, "Life"). */
const GRACE_SECONDS = 40;
/** Of the claim: file systems keep some for themselves, and a disk that is full serves nobody. */
const STORE_SHARE = 0.9;

/** The cache itself, in one pod that meets the `restricted` Pod Security Standard. */
export function statefulSet(values: CacheValues): KubeObject & { spec: object } {
  const { name, selector, labels } = cacheNamesOf(values);
  return cacheObject(values, name, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    spec: {
      replicas: 1,
      // The default waits for a pod that is not ready before it replaces it, so a corrected image would never take the place of one that
      // cannot be pulled (kubernetes/kubernetes#67250). Of one replica there is no order to keep.
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 2,
      selector: { matchLabels: selector },
      template: { metadata: { labels: { ...values.podLabels, ...labels } }, spec: podSpec(values) },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: values.claimRetention, whenScaled: 'Retain' },
      volumeClaimTemplates: values.claimTemplates ?? [claimTemplate(values)],
    },
  });
}

/** The name of the claim of the only pod. */
export function claimName(name: string): string {
  return `cache-volume-${name}-0`;
}

function claimTemplate(values: CacheValues): object {
  const { volume } = values.cache;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    // Another object's cache must not find the contents of this one, nor that of another upstream: what is private to whom is another matter there.
    metadata: {
      name: 'cache-volume',
      labels: cacheNamesOf(values).labels,
      annotations: { [UPSTREAM_ANNOTATION]: values.cache.upstream, [OWNER_ANNOTATION]: values.owner },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: volume.size } },
      ...(volume.storageClassName !== undefined && { storageClassName: volume.storageClassName }),
    },
  };
}

function podSpec(values: CacheValues): object {
  const { name } = cacheNamesOf(values);
  const { image, imagePullSecrets, serviceAccountName, cache, priorityClassName } = values;
  const probe = (path: string) => ({ httpGet: { path, port: 'debug' }, periodSeconds: 10 });
  return {
    // The webhooks of clouds mount a token of their own, for that cloud, all the same.
    automountServiceAccountToken: false,
    // Always named: the API server keeps a copy, `serviceAccount`, to which it would return when the name is left out again.
    serviceAccountName,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(priorityClassName !== undefined && { priorityClassName }),
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
        // Measured: 110 to 140 MB under load (bench/README.md); no limit of CPU, which would slow every node's pulls.
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
      ...(cache.http.tls ? [{ name: 'tls', secret: { secretName: `${name}-tls`, defaultMode: 0o440 } }] : []),
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
