import type { Pod } from './resources.ts';

/** Reasons of a waiting container that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

/** Why a pod does not come up by itself, to be said after "its pod"; undefined while it may. */
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
