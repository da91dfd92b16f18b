import { REPORT_LENGTH, type ClusterReport } from '../../fleet/cluster-report.ts';
import type { ConditionState } from '../../kube/objects/conditions.ts';
import { REPORT_CONDITION } from '../extensions/replication-wish.ts';
import type { ShootReportRead } from './read-report.ts';

/** Result of a look at a shoot. */
export type ReportFinding =
  | { readonly kind: 'report'; readonly report: ClusterReport }
  | Exclude<ShootReportRead, { kind: 'read' }>
  | { readonly kind: 'silent' | 'unreachable' | 'hibernated' };

/** Reason of the condition of a shoot whose API server is away until its owner wakes it up. */
export const HIBERNATED = 'ShootHibernated';

/** Says how the `RegistryConfig` objects of a shoot fare, in numbers. Nothing else of the shoot is in it. */
export function reportCondition(finding: ReportFinding): ConditionState {
  if (finding.kind === 'report') return ofReport(finding.report);
  const [reason, message] = unknown(finding);
  return { type: REPORT_CONDITION, status: 'Unknown', reason, message };
}

function unknown(finding: Exclude<ReportFinding, { kind: 'report' }>): readonly [string, string] {
  // Something else than the operator has written such a report.
  if (finding.kind === 'invalid')
    return ['ReportInvalid', `The report in the shoot cannot be read: ${finding.problem}.`];
  if (finding.kind !== 'too large') return UNKNOWN[finding.kind];
  const why = `it has ${finding.length} characters, but at most ${REPORT_LENGTH} are allowed`;
  return ['ReportTooLarge', `The report in the shoot is not read: ${why}.`];
}

const UNKNOWN = {
  missing: ['NoReport', 'The operator in the shoot has not reported yet.'],
  silent: ['OperatorSilent', 'The operator in the shoot has not renewed its Lease for 5 minutes.'],
  unreachable: ['ShootUnreachable', 'The API server of the shoot does not answer.'],
  hibernated: [HIBERNATED, 'The shoot is hibernated.'],
} as const;

function ofReport(report: ClusterReport): ConditionState {
  const { objects, caches, serving, failing, conflicting, nodes, following } = report;
  const isWell = failing === 0 && conflicting === 0;
  return {
    type: REPORT_CONDITION,
    status: isWell ? 'True' : 'False',
    reason: isWell ? 'NoneFailing' : failing > 0 ? 'CachesFailing' : 'ObjectsConflicting',
    message:
      `${counted(objects, 'object')}, ${conflicting} conflicting; ` +
      `${counted(caches, 'cache')}, ${serving} serving, ${failing} failing; ` +
      `${counted(nodes, 'node')}, ${following} following.`,
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
