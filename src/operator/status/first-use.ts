import type { ConfigCondition, NodeCounts } from '../../api/status/status-fields.ts';
import type { Finding } from './findings.ts';

/** What the status said before. */
export interface StatusBefore {
  readonly conditions: readonly ConfigCondition[];
  /** Of the upstream; without counts it was not in use. */
  readonly entry: { readonly nodes?: NodeCounts | undefined } | undefined;
}

/**
 * Tells of an upstream that no node has turned to yet, of those that should: nothing is pulled through it. Once one has, a node that does
 * not is a problem of nodes (`Degraded`), however many they are, so that `Ready` does not come and go with them. What was before is
 * remembered by the status itself, which outlives the operator.
 */
export function firstUseFindings(
  upstream: string,
  { configured, total }: NodeCounts,
  { conditions, entry }: StatusBefore,
): Finding[] {
  const wasReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const before = entry?.nodes;
  const wasUsed = before !== undefined && (wasReady || before.configured > 0);
  if (total === 0 || configured > 0 || wasUsed) return [];
  return [{ reason: 'Starting', message: `${upstream}: no node pulls through it yet` }];
}
