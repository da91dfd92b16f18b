import { createController, type Controller, type ControllerDeps } from '../../kube/controller/controller.ts';
import { keyText } from '../../kube/controller/object-key.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { ExtensionType } from '../names.ts';
import type { Actuator } from './actuator.ts';
import { createExtensionReconciler } from './extension-reconciler.ts';
import { createExtensionSource } from './extension-source.ts';
import { createOpenSpecs, NO_OPEN_SPECS } from './open-specs.ts';
import type { WatchedExtensions } from './watched-extensions.ts';

/** As in Gardener's library (gardener v1.147.1, `controllerutils.DefaultReconciliationTimeout`). */
const TIME_LIMIT_MS = 180_000;

export interface ExtensionControllerDeps extends ControllerDeps {
  readonly client: Pick<KubeClient, 'get' | 'patch' | 'mergePatch'>;
  readonly watched: WatchedExtensions;
}

export interface ExtensionControllerOptions {
  readonly type: ExtensionType;
  /** Name in logs and metrics. */
  readonly name: string;
  /** Extensions handled at once. */
  readonly concurrency: number;
  /** Handles changes of a spec at once, without waiting until gardenlet asks. */
  readonly ignoreOperationAnnotation: boolean;
}

/**
 * Creates the controller of one extension type: when work is due, operation types, last operation, finalizer and retries are here, the work
 * itself is the actuator's. A failure is retried in 5 ms, doubled from failure to failure up to 1000 s.
 */
export function createExtensionController(
  deps: ExtensionControllerDeps,
  { type, name, concurrency, ignoreOperationAnnotation }: ExtensionControllerOptions,
  actuator: Actuator,
): Controller {
  const { watched } = deps;
  const specs = ignoreOperationAnnotation ? createOpenSpecs() : NO_OPEN_SPECS;
  watched.extensions.onChange((before, after) => {
    if (before !== undefined && after === undefined) specs.forget(keyText(before.metadata));
  });
  return createController(deps, {
    name,
    sources: [createExtensionSource(watched, type, { ignoreOperationAnnotation })],
    reconcile: createExtensionReconciler({ ...deps, specs }, type, actuator),
    workers: concurrency,
    timeLimitMs: TIME_LIMIT_MS,
  });
}
