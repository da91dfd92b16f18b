import { secondsTime } from '../time.ts';

/** https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, and the same for the same cause. */
  readonly reason: string;
  /** Text for people. */
  readonly message: string;
  /** Time of the last change of `status`; RFC 3339, in seconds. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export type ConditionState = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

export interface Observation {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** `metadata.generation` of the observed object. */
  readonly generation: number | undefined;
}

/** Limit in the validation of `metav1.Condition`. */
const LONGEST_MESSAGE = 32_768;

/**
 * Merges `states` into `before`, sorted by type. The transition time becomes `now` only if the status changes. Conditions of other types
 * stay.
 */
export function withConditions(
  before: readonly Condition[],
  states: readonly ConditionState[],
  { now, generation }: Observation,
): Condition[] {
  const result = new Map(before.map((condition) => [condition.type, condition]));
  for (const { type, status, reason, message } of states) {
    const known = result.get(type);
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : secondsTime(now);
    result.set(type, {
      type,
      status,
      reason,
      message: message.slice(0, LONGEST_MESSAGE),
      lastTransitionTime,
      ...(generation !== undefined && { observedGeneration: generation }),
    });
  }
  return [...result.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}
