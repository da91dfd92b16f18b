import type { Pod } from './resources.ts';

/** Waiting reasons that end by themselves. */
const PASSING: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

/** Reason why a pod does not start, as the predicate of "its pod". Undefined while it may still start by itself. */
export function podProblem({ status }: Pod): string | undefined {
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state
    ?.waiting;
  if (waiting?.reason !== undefined && !PASSING.has(waiting.reason))
    return `waits: ${waiting.reason}${waiting.message === undefined ? '' : `: ${waiting.message}`}`;
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return `has no node: ${scheduled.message ?? scheduled.reason}`;
  return undefined;
}
