import { withConditions, type ConditionState, type Observation } from '../../kube/objects/conditions.ts';
import { CONDITION_TYPES, REASONS, type ConditionType, type Reason } from '../../api/status/reasons.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';

/** Something that is to be said of an object. */
export interface Finding {
  readonly reason: Reason;
  readonly message: string;
}

/** What is said of a condition of which nothing is found. */
const ALL_WELL: Readonly<Record<ConditionType, Finding>> = {
  Ready: { reason: 'Serving', message: 'everything serves' },
  Progressing: { reason: 'Settled', message: 'nothing is on its way' },
  Degraded: { reason: 'Healthy', message: 'nothing works less well than it should' },
  Conflict: { reason: 'NoConflict', message: 'no other object owns an upstream of this one' },
};

const ORDER = Object.keys(REASONS);

/**
 * The conditions that follow from `findings`: of each type the first of the table of reasons, with the messages of all of its type
 * (docs/reference/conditions.md). A type of which nothing was found is well.
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
