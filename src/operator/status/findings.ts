import { withConditions, type ConditionState, type Observation } from '../../kube/objects/conditions.ts';
import { CONDITION_TYPES, REASONS, type ConditionType, type Reason } from '../../api/status/reasons.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';

/** A reason for a condition of an object. */
export interface Finding {
  readonly reason: Reason;
  readonly message: string;
}

/** The reason and message of a condition without findings. */
const ALL_WELL: Readonly<Record<ConditionType, Finding>> = {
  Ready: { reason: 'Serving', message: 'all upstreams are served' },
  Progressing: { reason: 'Settled', message: 'rollout complete' },
  Degraded: { reason: 'Healthy', message: 'no degradation' },
  Conflict: { reason: 'NoConflict', message: 'no other object owns its upstreams' },
};

const ORDER = Object.keys(REASONS);

/**
 * Computes all conditions from `findings`. Each type has the reason that comes first in the table of reasons, and the messages of all its
 * findings (docs/reference/conditions.md).
 */
export function conditionsOf(
  findings: readonly Finding[],
  before: readonly ConfigCondition[],
  observation: Observation,
): ConfigCondition[] {
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.reason) - ORDER.indexOf(b.reason));
  const states = CONDITION_TYPES.map((type): ConditionState => {
    const own = sorted.filter(({ reason }) => REASONS[reason].type === type);
    const { reason, message } = own[0] ?? ALL_WELL[type];
    const messages = own.length === 0 ? [message] : own.map((one) => one.message);
    return { type, status: REASONS[reason].status, reason, message: [...new Set(messages)].join('; ') };
  });
  return withConditions(before, states, observation) as ConfigCondition[];
}
