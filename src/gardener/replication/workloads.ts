import { SYSTEM_NODES, type Toleration } from '../shoots/system-nodes.ts';
import type { ChartObject, Container, Workload } from './chart-object.ts';
import { operatorArguments, type OperatorSettings } from './operator-arguments.ts';
import { DEPLOYED_BY } from './shoot-place.ts';

export interface WorkloadSettings extends OperatorSettings {
  /** Image of operator, node agent and caches. */
  readonly image: string;
  readonly tolerations: readonly Toleration[];
}

/** Completes the Deployment of the operator. It runs where components of the system run. */
export function operatorDeployment(object: ChartObject, settings: WorkloadSettings): ChartObject {
  const { image, tolerations } = settings;
  const workload = withContainers(object, (container) => ({
    ...container,
    image,
    args: [
      ...container.args.map((one) => (one.startsWith(IMAGE_ARGUMENT) ? `${IMAGE_ARGUMENT}${image}` : one)),
      ...operatorArguments(settings),
    ],
  }));
  const { metadata, spec } = workload;
  const { template } = spec;
  const nodeSelector = { ...template.spec.nodeSelector, ...SYSTEM_NODES };
  const pod = { ...template.spec, nodeSelector, ...(tolerations.length > 0 && { tolerations }) };
  return {
    ...workload,
    metadata: { ...metadata, labels: { ...metadata.labels, ...DEPLOYED_BY } },
    spec: { ...spec, template: { ...template, spec: pod } },
  };
}

const IMAGE_ARGUMENT = '--image=';

/** Completes the DaemonSet of the node agent. It tolerates every taint already. */
export function nodeAgentSet(object: ChartObject, { image }: Pick<WorkloadSettings, 'image'>): ChartObject {
  return { ...withContainers(object, (container) => ({ ...container, image })) };
}

function withContainers(object: ChartObject, change: (container: Container) => Container): Workload {
  const workload = object as unknown as Workload;
  const { spec } = workload;
  const { template } = spec;
  const containers = template.spec.containers.map(change);
  return {
    ...workload,
    spec: { ...spec, template: { ...template, spec: { ...template.spec, containers } } },
  };
}
