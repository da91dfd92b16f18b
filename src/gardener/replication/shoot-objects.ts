import { MIRROR_CONFIG_CRD } from '../../api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../../api/crd/registry-config-crd.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ChartObject } from './chart-object.ts';
import { CHART_OBJECTS } from './chart-objects.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';
import { hasKubernetes } from '../shoots/has-kubernetes.ts';
import { OPERATOR } from './shoot-place.ts';
import { nodeAgentSet, operatorDeployment, type WorkloadSettings } from './workloads.ts';

export interface ShootObjectsSettings extends WorkloadSettings {
  /** Version of the shoot's API server. */
  readonly kubernetesVersion: string;
}

/** The operator and its rights. They go before everything else. */
export function operatorObjects(settings: ShootObjectsSettings): readonly KubeObject[] {
  return CHART_OBJECTS.filter(isOfOperator).map((object) =>
    object.kind === 'Deployment' ? operatorDeployment(object, settings) : object,
  );
}

/** Everything that stays until nodes and caches are taken care of. Labels that keep Gardener from cleaning them up come with the ManagedResource. */
export function standbyObjects(settings: ShootObjectsSettings): readonly KubeObject[] {
  const others = CHART_OBJECTS.filter((object) => !isOfOperator(object))
    .filter(
      ({ kind }) =>
        !POLICIES.includes(kind) || hasKubernetes(settings.kubernetesVersion, POLICIES_FROM_MINOR),
    )
    .map((object) => (object.kind === 'DaemonSet' ? nodeAgentSet(object, settings) : object));
  return [NAMESPACE, ...[REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD].map(kept), ...others];
}

/** Objects of the operator have its name, or begin with it: `larder-operator-secrets`. */
function isOfOperator({ metadata }: ChartObject): boolean {
  return metadata.name === OPERATOR || metadata.name.startsWith(`${OPERATOR}-`);
}

/** The node agent needs more than the standard that a Shoot may have as its default. */
const NAMESPACE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: LARDER_NAMESPACE,
    labels: { 'pod-security.kubernetes.io/enforce': 'privileged' },
  },
};

/** A CRD that goes takes the objects of users with it. */
function kept(definition: KubeObject): KubeObject {
  const annotations = { ...definition.metadata.annotations, 'resources.gardener.cloud/keep-object': 'true' };
  return { ...definition, metadata: { ...definition.metadata, annotations } };
}

const POLICIES: readonly string[] = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];

/** Tokens name the node of their pod from this minor version of Kubernetes on, and the policies judge by that. */
const POLICIES_FROM_MINOR = 30;
