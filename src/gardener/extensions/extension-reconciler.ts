import type { Clock } from '../../kit/clock.ts';
import { keyOf } from '../../kube/controller/object-key.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../../kube/controller/reconcile.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { finalizerNameOf, type ExtensionType } from '../names.ts';
import type { Actuator } from './actuator.ts';
import { factsOf, isResponsible, type ExtensionFacts } from './extension-facts.ts';
import { createExtensionWriter } from './extension-writer.ts';
import { needsWork } from './filter.ts';
import type { OpenSpecs } from './open-specs.ts';
import { decide } from './operation.ts';
import { createClusterReader, type ClusterReader } from './read-cluster.ts';
import { EXTENSIONS, type Extension } from './resources.ts';
import { runOperation } from './run-operation.ts';
import { shootStateOf } from './shoot-state.ts';

export interface ExtensionReconcilerDeps {
  readonly client: Pick<KubeClient, 'get' | 'patch' | 'mergePatch'>;
  readonly clock: Clock;
  readonly specs: OpenSpecs;
}

/**
 * Handles one Extension. Everything is read from the server when it is needed: the decision is about the newest state, so a request that
 * was met meanwhile is not met twice, and nothing large stays in memory.
 */
export function createExtensionReconciler(
  { client, clock, specs }: ExtensionReconcilerDeps,
  type: ExtensionType,
  actuator: Actuator,
): Reconcile {
  const finalizer = finalizerNameOf(type);

  /** False if the Extension waits for a change. */
  async function handle(
    extension: Extension,
    facts: ExtensionFacts,
    context: ReconcileContext,
  ): Promise<boolean> {
    const { signal, logger } = context;
    const { namespace = '' } = extension.metadata;
    const clusters = createClusterReader(client, namespace, signal);
    const decision = decide(facts, {
      hasFinalizer: extension.metadata.finalizers?.includes(finalizer) ?? false,
      shoot: await shootOf(clusters),
    });
    const writer = createExtensionWriter(client, extension, { finalizer, signal });
    switch (decision.kind) {
      case 'run':
        await runOperation({ clock, actuator, writer, clusters, context }, decision, facts.operation);
        return true;
      case 'release':
        await writer.removeFinalizer();
        return true;
      case 'skip':
        if (facts.operation === 'reconcile') await writer.removeOperation('reconcile');
        return true;
      case 'wait':
        logger.info('the Extension is left alone', { why: decision.why });
        return false;
    }
  }

  return async (key, context): Promise<ReconcileResult> => {
    const extension = await find(client, EXTENSIONS, keyOf(key), context.signal);
    if (extension === undefined) return 'done';
    const facts = factsOf(extension);
    if (!isResponsible(facts, type)) return 'done';
    if (!needsWork(facts) && !specs.isOpen(key, facts)) return 'done';
    if (await handle(extension, facts, context)) specs.carriedOut(key, facts);
    return 'done';
  };
}

async function shootOf(clusters: ClusterReader): Promise<Parameters<typeof decide>[1]['shoot']> {
  if (!(await clusters.isShootNamespace())) return undefined;
  const cluster = await clusters.find();
  return cluster === undefined ? 'missing' : shootStateOf(cluster);
}
