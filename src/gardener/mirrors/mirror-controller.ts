import type { Controller } from '../../kube/controller/controller.ts';
import type { Actuator } from '../extensions/actuator.ts';
import {
  createExtensionController,
  type ExtensionControllerDeps,
} from '../extensions/extension-controller.ts';
import { MIRROR_CONTROLLER } from '../names.ts';

export interface MirrorControllerOptions {
  /** Extensions handled at once. */
  readonly concurrency: number;
}

/**
 * Creates the controller of `registry-mirror` Extensions. The effects of a mirror are in the configuration of nodes, so `actuator` has little to do. Unlike
 * the controller of caches it never ignores the operation annotation.
 */
export function createMirrorController(
  deps: ExtensionControllerDeps,
  { concurrency }: MirrorControllerOptions,
  actuator: Actuator = NOTHING_TO_DO,
): Controller {
  return createExtensionController(
    deps,
    { type: 'registry-mirror', name: MIRROR_CONTROLLER, concurrency, ignoreOperationAnnotation: false },
    actuator,
  );
}

const NOTHING_TO_DO: Actuator = {
  async reconcile() {},
  async delete() {},
  async forceDelete() {},
  async migrate() {},
  async restore() {},
};
