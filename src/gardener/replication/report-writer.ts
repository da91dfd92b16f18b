import type { Clock } from '../../kit/clock.ts';
import { isInvalid } from '../../kube/kube-error.ts';
import type { ConditionState } from '../../kube/objects/conditions.ts';
import { secondsTime } from '../../kube/time.ts';
import type { JsonPatchOperation, KubeClient } from '../../kube/types.ts';
import { REPORT_CONDITION } from '../extensions/replication-wish.ts';
import { EXTENSIONS, type Extension, type ExtensionCondition } from '../extensions/resources.ts';

/**
 * Brings the condition of an Extension to `state`, or takes it off for undefined. Writes nothing if it is right, and nothing else of the status. An
 * Extension whose conditions have changed meanwhile is left for the next time.
 */
export async function writeReport(
  { client, clock }: { readonly client: Pick<KubeClient, 'patch'>; readonly clock: Clock },
  extension: Extension,
  state: ConditionState | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, status } = extension;
  // Before its first operation an Extension has no status to add to.
  if (status === undefined) return;
  const before = status.conditions ?? [];
  const known = before.find(({ type }) => type === REPORT_CONDITION);
  if (isRight(known, state)) return;
  const others = before.filter((one) => one !== known);
  const value = state === undefined ? others : [...others, conditionOf(state, known, clock.now())];
  const operations: JsonPatchOperation[] = [
    status.conditions === undefined
      ? { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion }
      : { op: 'test', path: '/status/conditions', value: status.conditions },
    { op: 'add', path: '/status/conditions', value },
  ];
  try {
    await client.patch(EXTENSIONS, metadata, operations, { signal, subresource: 'status' });
  } catch (error) {
    if (!isInvalid(error)) throw error;
  }
}

function isRight(known: ExtensionCondition | undefined, state: ConditionState | undefined): boolean {
  if (known === undefined || state === undefined) return known === state;
  return known.status === state.status && known.reason === state.reason && known.message === state.message;
}

function conditionOf(
  { type, status, reason, message }: ConditionState,
  known: ExtensionCondition | undefined,
  now: number,
): ExtensionCondition {
  const time = secondsTime(now);
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : time;
  return { type, status, reason, message, lastTransitionTime, lastUpdateTime: time };
}
