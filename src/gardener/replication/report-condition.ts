import type { ClusterReport } from '../../fleet/cluster-report.ts';
import type { ConditionState } from '../../kube/objects/conditions.ts';
import { REPORT_CONDITION } from '../extensions/replication-wish.ts';

/** Result of a look at a shoot. */
export type ReportFinding =
  | { readonly kind: 'report'; readonly report: ClusterReport }
  | { readonly kind: 'missing' | 'invalid' | 'too large' | 'silent' | 'unreachable' | 'hibernated' };

/** Reason of the condition of a shoot whose API server is away until its owner wakes it up. */
export const HIBERNATED = 'ShootHibernated';

/** Says how the `RegistryConfig` objects of a shoot fare, in numbers. Nothing else of the shoot is in it. */
export function reportCondition(finding: ReportFinding): ConditionState {
  if (finding.kind === 'report') return ofReport(finding.report);
  const [reason, message] = UNKNOWN[finding.kind];
  return { type: REPORT_CONDITION, status: 'Unknown', reason, message };
}

const UNKNOWN = {
  missing: ['NoReport', 'The operator in the shoot has not reported yet.'],
  invalid: ['ReportInvalid', 'The report in the shoot is not one of eight numbers.'],
  'too large': ['ReportTooLarge', 'The report in the shoot is larger than 4 KiB.'],
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
