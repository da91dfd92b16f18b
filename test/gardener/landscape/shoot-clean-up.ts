/** Deletion of what lives in a shoot, before its nodes go (gardener v1.147.1, `pkg/gardenlet/operation/botanist/cleanup.go`). */
import type { Clock } from '../../../src/kit/clock.ts';
import type { CallOptions, KubeClient, KubeObject, Resource } from '../../../src/kube/types.ts';

export interface CleanUpDeps {
  readonly shoot: Omit<KubeClient, 'watch'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Time after which finalizers are taken off, and after which new objects are passed over. */
const FINALIZE_AFTER_MS = 300_000;
const FINALIZE_DEFINITIONS_AFTER_MS = 3_600_000;

const kind = (group: string, name: string, plural: string, namespaced = true): Resource => ({
  group,
  version: 'v1',
  kind: name,
  plural,
  namespaced,
});

const WEBHOOKS = [
  kind(
    'admissionregistration.k8s.io',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    false,
  ),
  kind(
    'admissionregistration.k8s.io',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    false,
  ),
];
const DEFINITIONS = [
  kind('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions', false),
];
const WORKLOADS = [
  kind('batch', 'CronJob', 'cronjobs'),
  kind('apps', 'DaemonSet', 'daemonsets'),
  kind('apps', 'Deployment', 'deployments'),
  kind('networking.k8s.io', 'Ingress', 'ingresses'),
  kind('batch', 'Job', 'jobs'),
  kind('', 'Pod', 'pods'),
  kind('apps', 'ReplicaSet', 'replicasets'),
  kind('', 'ReplicationController', 'replicationcontrollers'),
  kind('', 'Service', 'services'),
  kind('apps', 'StatefulSet', 'statefulsets'),
  kind('', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
];

export const CLEAN_UP = {
  webhooks: { kinds: WEBHOOKS, finalizeAfterMs: FINALIZE_AFTER_MS },
  definitions: { kinds: DEFINITIONS, finalizeAfterMs: FINALIZE_DEFINITIONS_AFTER_MS },
  workloads: { kinds: WORKLOADS, finalizeAfterMs: FINALIZE_AFTER_MS },
} as const;

/**
 * Deletes all objects of some kinds once, but for those with a label that prevents it. Returns the names of those that are still there and
 * are waited for. `begunAt` is the time at which the clean-up of the shoot began, in milliseconds since the epoch.
 */
export async function cleanUp(
  { shoot, clock }: CleanUpDeps,
  what: keyof typeof CLEAN_UP,
  begunAt: number,
  call: CallOptions,
): Promise<string[]> {
  const { kinds, finalizeAfterMs } = CLEAN_UP[what];
  const left: string[] = [];
  for (const resource of kinds) {
    const { items } = await shoot.list(resource, {}, call);
    for (const object of items) {
      if (isSpared(resource, object)) continue;
      await remove(resource, object);
      // The pods of a controller that makes them again would be waited for without end.
      if (what === 'workloads' && createdAt(object) > begunAt + FINALIZE_AFTER_MS) continue;
      left.push(`${resource.plural}/${object.metadata.name}`);
    }
  }
  return left;

  async function remove(resource: Resource, { metadata }: KubeObject): Promise<void> {
    const { name, namespace, deletionTimestamp, finalizers = [] } = metadata;
    const key = { name, namespace };
    if (deletionTimestamp === undefined) await shoot.delete(resource, key, call);
    else if (finalizers.length > 0 && clock.now() >= Date.parse(deletionTimestamp) + finalizeAfterMs)
      await shoot.mergePatch(resource, key, { metadata: { finalizers: [] } }, call);
  }
}

function isSpared({ plural }: Resource, { metadata: { labels = {} } }: KubeObject): boolean {
  const isKubernetes = plural === 'services' && labels['provider'] === 'kubernetes';
  const isSystem = labels['gardener.cloud/role'] === 'system-component';
  return isKubernetes || isSystem || labels['shoot.gardener.cloud/no-cleanup'] === 'true';
}

function createdAt({ metadata: { creationTimestamp } }: KubeObject): number {
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}
