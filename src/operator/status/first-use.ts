import type { ConfigCondition, NodeCounts } from '../../api/status/status-fields.ts';
import type { Finding } from './findings.ts';

/** The previous status. */
export interface StatusBefore {
  readonly conditions: readonly ConfigCondition[];
  /** Entry of the upstream. An entry without counts was not in use. */
  readonly entry: { readonly nodes?: NodeCounts | undefined } | undefined;
}

/**
 * Reports an upstream that no node uses yet: nothing is pulled through it. Once one node has used it, nodes that do not are a problem of
 * those nodes (`Degraded`), however many they are, so that `Ready` does not come and go with them. The previous status is the memory, because
 * it outlives the operator.
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
