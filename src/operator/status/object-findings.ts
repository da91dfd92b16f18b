import type { Observation } from '../../kube/objects/conditions.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ParsedSpec } from '../configs/read-config.ts';
import type { Finding } from './findings.ts';

/** What is to be said of any object of ours: that its spec cannot be used, that it is going, that nodes do not hear of it. */
export function findingsOfObject(
  asked: ParsedSpec,
  removing: readonly string[] | undefined,
  nodeProblems: readonly string[],
): Finding[] {
  const findings = nodeProblems.map((message): Finding => ({ reason: 'Stuck', message }));
  if (asked.kind === 'invalid')
    findings.push({ reason: 'ConfigurationInvalid', message: asked.problems.join('; ') });
  if (removing !== undefined) {
    findings.push({ reason: 'NotServing', message: 'the object is being deleted' });
    const message =
      removing.length === 0
        ? 'everything of it has been removed'
        : `nodes are turned away from ${removing.join(', ')} before it is removed`;
    findings.push({ reason: 'Removing', message });
  }
  return findings;
}

export function observationOf({ metadata: { generation } }: KubeObject, now: number): Observation {
  return { now, generation };
}

/** Nodes that do all of it, of those that should do it: `5/5`. */
export function nodesText(nodes: readonly { readonly configured: number; readonly total: number }[]): string {
  if (nodes.length === 0) return '0/0';
  const configured = Math.min(...nodes.map((one) => one.configured));
  return `${configured}/${Math.max(...nodes.map((one) => one.total))}`;
}
