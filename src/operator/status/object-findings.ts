import type { Observation } from '../../kube/objects/conditions.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ParsedSpec } from '../configs/read-config.ts';
import type { Finding } from './findings.ts';

/** Findings that every object can have: an invalid spec, its deletion, upstreams that cannot be published to nodes. */
export function findingsOfObject(
  spec: ParsedSpec,
  removing: readonly string[] | undefined,
  nodeProblems: readonly string[],
): Finding[] {
  const findings = nodeProblems.map((message): Finding => ({ reason: 'Stuck', message }));
  if (spec.kind === 'invalid')
    findings.push({ reason: 'ConfigurationInvalid', message: spec.problems.join('; ') });
  if (removing !== undefined) {
    findings.push({ reason: 'NotServing', message: 'the object is being deleted' });
    const message =
      removing.length === 0
        ? 'everything that it configured is removed'
        : `nodes stop using ${removing.join(', ')} before it is removed`;
    findings.push({ reason: 'Removing', message });
  }
  return findings;
}

export function observationOf({ metadata: { generation } }: KubeObject, now: number): Observation {
  return { now, generation };
}
