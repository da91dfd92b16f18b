import { sleep, type Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, ObjectKey } from '../../kube/types.ts';
import { CodedError } from '../extensions/error-codes.ts';
import { MANAGED_RESOURCES, type ManagedResource } from '../managed-resources/managed-resource.ts';

export interface WaitDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
}

const LIMIT_MS = 120_000;
const POLL_MS = 2000;

/**
 * Waits up to two minutes until gardener-resource-manager has applied the newest generation, and the objects are healthy. Throws `KUBE_API` in
 * the words of the Go library if it does not come to that.
 */
export async function untilHealthy(deps: WaitDeps, key: ObjectKey, signal: AbortSignal): Promise<void> {
  const { namespace, name } = key;
  const last = await poll(deps, key, (found) => found !== undefined && isHealthy(found), signal);
  if (last.isDone) return;
  const problem =
    last.found === undefined
      ? `managedresources.resources.gardener.cloud "${name}" not found`
      : `managed resource ${namespace}/${name} is not healthy`;
  throw new LarderError('KUBE_API', `${OVER}: ${problem}`);
}

/**
 * Waits up to two minutes until the ManagedResource is gone. Throws `KUBE_API` in the words of the Go library if it stays, with the reason that
 * gardener-resource-manager gives, and with a code if a user's object is the reason.
 */
export async function untilGone(deps: WaitDeps, key: ObjectKey, signal: AbortSignal): Promise<void> {
  const { found, isDone } = await poll(deps, key, (one) => one === undefined, signal);
  if (isDone) return;
  const problem = `${OVER}: resource ${key.namespace}/${key.name} still exists`;
  const applied = conditionOf(found, 'ResourcesApplied');
  const isReason = DELETION_REASONS.includes(applied?.reason) && applied?.status !== 'True';
  if (applied === undefined || !isReason) throw new LarderError('KUBE_API', problem);
  const { message = '' } = applied;
  const text = `error while waiting for all resources to be deleted: ${problem}:\n${message}`;
  if (!CONFIGURATION_PROBLEM.test(message)) throw new LarderError('KUBE_API', text);
  throw new CodedError('KUBE_API', text, { gardenerCodes: ['ERR_CONFIGURATION_PROBLEM'] });
}

const OVER = 'retry failed with context deadline exceeded, last error';

/** Reasons of the condition with which the manager says why objects are still there (gardener v1.147.1, `resources/v1alpha1`). */
const DELETION_REASONS: readonly unknown[] = ['DeletionFailed', 'DeletionPending'];
const CONFIGURATION_PROBLEM = /error during apply of object .* is invalid:/i;

interface Polled {
  readonly found: ManagedResource | undefined;
  readonly isDone: boolean;
}

/** Reads the object every two seconds, from the server. The last read is at the limit. */
async function poll(
  { client, clock }: WaitDeps,
  key: ObjectKey,
  isDone: (found: ManagedResource | undefined) => boolean,
  signal: AbortSignal,
): Promise<Polled> {
  const end = clock.monotonic() + LIMIT_MS;
  for (;;) {
    const found = await find(client, MANAGED_RESOURCES, key, signal);
    if (isDone(found)) return { found, isDone: true };
    const left = end - clock.monotonic();
    if (left <= 0) return { found, isDone: false };
    await sleep(clock, Math.min(POLL_MS, left), signal);
  }
}

function isHealthy(resource: ManagedResource): boolean {
  const { metadata, status } = resource;
  const isTrue = (type: string) => conditionOf(resource, type)?.status === 'True';
  const isNewest = status?.observedGeneration === metadata.generation;
  return isNewest && isTrue('ResourcesApplied') && isTrue('ResourcesHealthy');
}

function conditionOf(resource: ManagedResource | undefined, type: string) {
  return resource?.status?.conditions?.find((one) => one.type === type);
}
