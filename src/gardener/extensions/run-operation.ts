import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import type { ReconcileContext } from '../../kube/controller/reconcile.ts';
import type { MergePatch } from '../../kube/types.ts';
import type { Actuator } from './actuator.ts';
import type { ExtensionWriter } from './extension-writer.ts';
import { failedOperationStatus, startedStatus, succeededStatus } from './last-operation.ts';
import type { OperationDecision } from './operation.ts';
import type { ClusterReader } from './read-cluster.ts';

/** Limit of the write that reports a failure, since the reconcile's own time may be over. */
const REPORT_MS = 10_000;

export interface OperationDeps {
  readonly clock: Clock;
  readonly actuator: Actuator;
  readonly writer: ExtensionWriter;
  readonly clusters: ClusterReader;
  readonly context: ReconcileContext;
}

/**
 * Carries out one operation. At each moment either the request is on the object, or the last operation has not succeeded, or the work is
 * done. So the work goes on after a crash at any point:
 *
 * 1. finalizer, before the first effect (reconcile, restore)
 * 2. status `Processing`
 * 3. the request `reconcile` is taken off. A later one is a request of its own.
 * 4. the actuator
 * 5. status `Succeeded` or `Error`
 * 6. only after a success: the finalizer (delete), all finalizers and the request (migrate), or the request (restore) is taken off
 *
 * The Go library takes the request off first. A crash between its steps loses it.
 */
export async function runOperation(
  deps: OperationDeps,
  { type, method }: Extract<OperationDecision, { kind: 'run' }>,
  requested: string | undefined,
): Promise<void> {
  const { clock, actuator, writer, clusters, context } = deps;
  const reported = () => ({ type, method, now: clock.now() });

  if (method === 'reconcile' || method === 'restore') await writer.addFinalizer();
  await writer.writeStatus(startedStatus(reported()));
  if (requested === 'reconcile') await writer.removeOperation(requested);
  context.logger.info('operation begins', { operation: type });

  // The spec may have changed since the decision. What is reported as observed is what the actuator gets.
  const extension = writer.current;
  const { namespace = '', generation = 0 } = extension.metadata;
  try {
    await actuator[method]({
      ...context,
      extension,
      namespace,
      cluster: () => clusters.get(),
      publish: (providerStatus) => writer.writeProviderStatus(providerStatus),
    });
  } catch (error) {
    await report(failedOperationStatus(reported(), generation, error));
    throw error;
  }
  await writer.writeStatus(succeededStatus(reported(), generation));
  context.logger.info('operation succeeded', { operation: type });

  // Another request than the one that is met now has its own turn.
  if (method === 'migrate') await writer.handOver(requested === 'migrate' ? requested : undefined);
  if (method === 'restore' && requested === 'restore') await writer.removeOperation(requested);
  if (method === 'delete' || method === 'forceDelete') await writer.removeFinalizer();

  /** The failure itself matters more than a failure to report it. */
  async function report(status: MergePatch): Promise<void> {
    const { signal, logger } = context;
    const isOverdue = isLarderError(signal.reason, 'RECONCILE_TIMEOUT');
    // A process that stops or no longer leads reports nothing.
    using life = createLifeline(clock, isOverdue ? new AbortController().signal : signal);
    life.limit(REPORT_MS, () => new LarderError('KUBE_UNREACHABLE', `no answer in ${REPORT_MS} ms`));
    try {
      if (!life.signal.aborted) await writer.writeStatus(status, life.signal);
    } catch (error) {
      logger.warn('the failure cannot be reported in the status', { error: errorText(error) });
    }
  }
}
