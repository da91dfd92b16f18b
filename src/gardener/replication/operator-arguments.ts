import { REPORT_CONFIG_MAP } from '../../fleet/cluster-report.ts';
import { TAKEN_CONFIG_MAP } from '../../fleet/taken-upstreams.ts';
import { NO_CLEANUP } from '../managed-resources/managed-resource.ts';
import { SYSTEM_NODES, type Toleration } from '../shoots/system-nodes.ts';

export interface OperatorSettings {
  /** Taints of the worker pools for components of the system. */
  readonly tolerations: readonly Toleration[];
  /** Start of the last rotation of the shoot's authorities in milliseconds since the epoch. */
  readonly rotationStart: number | undefined;
}

/** Arguments of an operator that an extension has deployed, beside those of the chart. */
export function operatorArguments({ tolerations, rotationStart }: OperatorSettings): readonly string[] {
  return [
    `--taken-upstreams=${TAKEN_CONFIG_MAP}`,
    `--report=${REPORT_CONFIG_MAP}`,
    `--object-labels=${pairs(NO_CLEANUP)}`,
    `--cache-node-selector=${pairs(SYSTEM_NODES)}`,
    ...(tolerations.length > 0 ? [`--cache-tolerations=${JSON.stringify(tolerations)}`] : []),
    ...(rotationStart === undefined
      ? []
      : [`--authority-not-before=${new Date(rotationStart).toISOString()}`]),
  ];
}

function pairs(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}
