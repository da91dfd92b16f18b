import { REASONS } from '../../api/status/reasons.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';
import type { Occurrence } from '../../kube/events/event.ts';

/**
 * What a person should notice of a change of conditions: that something works, or does not any more, less well, or for another reason. What
 * comes and goes with every change (`Progressing`) is told only when it is stuck.
 */
export function occurrencesOf(
  before: readonly ConfigCondition[],
  after: readonly ConfigCondition[],
): Occurrence[] {
  return after.flatMap((condition) => {
    const { type, status, reason, message } = condition;
    const old = before.find((one) => one.type === type);
    if (old?.reason === reason && old.message === message) return [];
    const isBad = BAD[type] === status || reason === 'Stuck';
    // That all is well is news only where it was not.
    const isValidByAnnotations =
      !isBad && old !== undefined && (BAD[type] === old.status || old.reason === 'Stuck');
    const isFirst = type === 'Ready' && status === 'True' && old?.status !== 'True';
    if (!isBad && !isValidByAnnotations && !isFirst) return [];
    const note = `${type} is ${REASONS[reason].status}: ${message}`;
    return [{ type: isBad ? 'Warning' : 'Normal', reason, action: 'Reconcile', note }];
  });
}

/** The state of each condition in which something is wrong. */
const BAD: Readonly<Record<string, string | undefined>> = {
  Ready: 'False',
  Degraded: 'True',
  Conflict: 'True',
};
