import { API_VERSION, KIND } from '../../api/registry-config/schema.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../api/mirror-config/schema.ts';
import type { MirrorConfigStatus } from '../../api/status/mirror-config-status.ts';
import type { RegistryConfigStatus } from '../../api/status/registry-config-status.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';

/** Created by users. Its spec is not trusted to be valid; `configs/` parses it. */
export interface RegistryConfigObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: RegistryConfigStatus;
}

export interface MirrorConfigObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: MirrorConfigStatus;
}

export interface Service extends KubeObject {
  readonly spec?: { readonly clusterIP?: string };
}

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Contents in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface StatefulSet extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly volumeClaimTemplates?: readonly object[] };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

export interface VolumeClaim extends KubeObject {
  readonly spec?: {
    readonly storageClassName?: string;
    readonly resources?: { readonly requests?: { readonly storage?: string } };
  };
  readonly status?: { readonly phase?: string; readonly capacity?: { readonly storage?: string } };
}

export interface Pod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms?: readonly {
            readonly matchFields?: readonly { readonly key: string; readonly values?: readonly string[] }[];
          }[];
        };
      };
    };
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    }[];
  };
}

export interface DaemonSet extends KubeObject {
  readonly status?: { readonly desiredNumberScheduled?: number };
}

export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

export interface Crd extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export const REGISTRY_CONFIGS: Resource<RegistryConfigObject> = custom(API_VERSION, KIND);
export const MIRROR_CONFIGS: Resource<MirrorConfigObject> = custom(MIRROR_API_VERSION, MIRROR_KIND);
export const SERVICES: Resource<Service> = resource('', 'Service', 'services');
export const SECRETS: Resource<Secret> = resource('', 'Secret', 'secrets');
export const PODS: Resource<Pod> = resource('', 'Pod', 'pods');
export const VOLUME_CLAIMS: Resource<VolumeClaim> = resource(
  '',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const STATEFUL_SETS: Resource<StatefulSet> = resource('apps', 'StatefulSet', 'statefulsets');
export const DAEMON_SETS: Resource<DaemonSet> = resource('apps', 'DaemonSet', 'daemonsets');
export const DEPLOYMENTS: Resource<Deployment> = resource('apps', 'Deployment', 'deployments');
export const NETWORK_POLICIES: Resource = resource('networking.k8s.io', 'NetworkPolicy', 'networkpolicies');
export const DISRUPTION_BUDGETS: Resource = resource('policy', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const SERVICE_MONITORS: Resource = resource(
  'monitoring.coreos.com',
  'ServiceMonitor',
  'servicemonitors',
);
export const NODES: Resource = { ...resource('', 'Node', 'nodes'), namespaced: false };
export const CRDS: Resource<Crd> = {
  ...resource('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions'),
  namespaced: false,
};

/** Name of the CRD that defines ServiceMonitors. */
export const SERVICE_MONITOR_CRD = `${SERVICE_MONITORS.plural}.${SERVICE_MONITORS.group}`;

/** True if the API server serves the kind that the CRD defines. */
export function isEstablished({ status }: Crd): boolean {
  return (status?.conditions ?? []).some(({ type, status: is }) => type === 'Established' && is === 'True');
}

function resource<T extends KubeObject>(group: string, kind: string, plural: string): Resource<T> {
  return { group, version: 'v1', kind, plural, namespaced: true };
}

function custom<T extends KubeObject>(apiVersion: string, kind: string): Resource<T> {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version, kind, plural: `${kind.toLowerCase()}s`, namespaced: true };
}
