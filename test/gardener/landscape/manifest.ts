/** Objects of a ManagedResource: their order, and the labels that all of them get (gardener v1.147.1, `managedresource/reconciler.go`). */
import type { KubeObject } from '../../../src/kube/types.ts';

export type Labels = Readonly<Record<string, string>>;

/** Object with all of its fields. */
export interface Manifest extends KubeObject {
  readonly spec?: ManifestSpec;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface ManifestSpec {
  readonly replicas?: number;
  readonly template?: Template;
  readonly volumeClaimTemplates?: readonly Template[];
  readonly selector?: { readonly matchLabels?: Labels };
  readonly [field: string]: unknown;
}

export interface Template {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly [field: string]: unknown;
}

/** Name of an object in the status of its ManagedResource. */
export interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

/** Returns the manifest with labels in its metadata, its pod template and its claim templates. */
export function withLabels(manifest: Manifest, labels: Labels): Manifest {
  const { metadata, spec } = manifest;
  const inside = (template: Template): Template => ({
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
  });
  return {
    ...manifest,
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
    ...(spec !== undefined && {
      spec: {
        ...spec,
        ...(spec.template !== undefined && { template: inside(spec.template) }),
        ...(spec.volumeClaimTemplates !== undefined && {
          volumeClaimTemplates: spec.volumeClaimTemplates.map(inside),
        }),
      },
    }),
  };
}

/** Sorts by kind in the order of Helm, kinds that it does not know last, and then by name. */
export function inOrder(manifests: readonly Manifest[]): Manifest[] {
  const rank = ({ kind }: Manifest): number => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);
  return manifests.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      a.kind.localeCompare(b.kind, 'en') ||
      a.metadata.name.localeCompare(b.metadata.name, 'en'),
  );
}

export function referenceTo({ apiVersion, kind, metadata }: Manifest): Reference {
  const { namespace, name, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  };
}

/** Text of a reference. Objects of another version of a group are the same. */
export function textOf({ apiVersion, kind, namespace = '', name }: Reference): string {
  return `${groupOf(apiVersion)}/${kind}/${namespace}/${name}`;
}

export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

export function isTrue(annotations: Labels | undefined, name: string): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(annotations?.[name] ?? '');
}

/** Helm v4.2.3, `InstallOrder` of `pkg/release/v1/util`. */
const KINDS = [
  'PriorityClass',
  'Namespace',
  'NetworkPolicy',
  'ResourceQuota',
  'LimitRange',
  'PodSecurityPolicy',
  'PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
  'SecretList',
  'ConfigMap',
  'StorageClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleList',
  'ClusterRoleBinding',
  'ClusterRoleBindingList',
  'Role',
  'RoleList',
  'RoleBinding',
  'RoleBindingList',
  'Service',
  'DaemonSet',
  'Pod',
  'ReplicationController',
  'ReplicaSet',
  'Deployment',
  'HorizontalPodAutoscaler',
  'StatefulSet',
  'Job',
  'CronJob',
  'IngressClass',
  'Ingress',
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
];
