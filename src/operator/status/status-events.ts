import { REASONS } from '../../api/status/reasons.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';
import type { Occurrence } from '../../kube/events/event.ts';

/**
 * Events for a change of conditions that a person should notice: something works, fails, works less well, or does so for another reason.
 * `Progressing` comes and goes with every change, so it causes an event only when it is stuck.
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
    // A good state is worth an event only after a bad one.
    const isGood = !isBad && old !== undefined && (BAD[type] === old.status || old.reason === 'Stuck');
    const isFirst = type === 'Ready' && status === 'True' && old?.status !== 'True';
    if (!isBad && !isGood && !isFirst) return [];
    const note = `${type} is ${REASONS[reason].status}: ${message}`;
    return [{ type: isBad ? 'Warning' : 'Normal', reason, action: 'Reconcile', note }];
  });
}

/** The status of each condition that means something is wrong. */
const BAD: Readonly<Record<string, string | undefined>> = {
  Ready: 'False',
  Degraded: 'True',
  Conflict: 'True',
};
