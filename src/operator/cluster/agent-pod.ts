import type { KubeObject } from '../../kube/types.ts';
import { podProblem } from './pod-problem.ts';
import type { Pod } from './resources.ts';

/** A pod that may be a node's agent: how long it has been there outlives a restart of the operator, and a node's first report needs it. */
export interface AgentPod {
  readonly metadata: KubeObject['metadata'];
  /** Undefined: it has none, and is meant for none in particular. */
  readonly node: string | undefined;
  /** Milliseconds since the epoch, by the API server's clock. */
  readonly createdAt: number;
  /** Why it does not come up, as `podProblem` says it. */
  readonly problem: string | undefined;
}

/** What is kept of a pod: clusters have one for each node. */
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
    node: pod.spec?.nodeName ?? nodeMeant(pod),
    createdAt: Date.parse(creationTimestamp),
    problem: podProblem(pod),
  };
}

/** True for a pod of the DaemonSet `nodeAgent`. */
export function isAgentOf(nodeAgent: string, { metadata: { ownerReferences = [] } }: AgentPod): boolean {
  return ownerReferences.some(({ kind, name }) => kind === 'DaemonSet' && name === nodeAgent);
}

/** A DaemonSet's pod that no node has taken yet names its node so (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/). */
function nodeMeant({ spec }: Pod): string | undefined {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
    ?.values?.[0];
}
