import type { KubeObject } from '../../kube/types.ts';
import { podProblem } from './pod-problem.ts';
import type { Pod } from './resources.ts';

/** A pod that may be a node agent. Its age survives a restart of the operator, and shows how long a node has not reported yet. */
export interface AgentPod {
  readonly metadata: KubeObject['metadata'];
  /** Node that it runs on or is reserved for; undefined if there is none. */
  readonly node: string | undefined;
  /** Milliseconds since the epoch, by the API server's clock. */
  readonly createdAt: number;
  /** See `podProblem`. */
  readonly problem: string | undefined;
}

/** Keeps the few fields that are needed, because a cluster has one such pod on each node. */
export function readAgentPod(pod: Pod): AgentPod {
  const { name, namespace, uid, resourceVersion, ownerReferences, creationTimestamp = '' } = pod.metadata;
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(ownerReferences !== undefined && { ownerReferences }),
    },
    node: pod.spec?.nodeName ?? reservedNode(pod),
    createdAt: Date.parse(creationTimestamp),
    problem: podProblem(pod),
  };
}

/** True for a pod of the DaemonSet `nodeAgent`. */
export function isAgentOf(nodeAgent: string, { metadata: { ownerReferences = [] } }: AgentPod): boolean {
  return ownerReferences.some(({ kind, name }) => kind === 'DaemonSet' && name === nodeAgent);
}

/**
 * The node for which a DaemonSet created a pod that is not scheduled yet
 * (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/).
 */
function reservedNode({ spec }: Pod): string | undefined {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
    ?.values?.[0];
}
