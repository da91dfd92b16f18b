import type { Controller } from '../../kube/controller/controller.ts';
import type { Actuator } from '../extensions/actuator.ts';
import {
  createExtensionController,
  type ExtensionControllerDeps,
} from '../extensions/extension-controller.ts';
import { MIRROR_CONTROLLER } from '../names.ts';

/**
 * Creates the controller of `registry-mirror` Extensions. It only confirms what gardenlet asks for, and reads no `providerConfig`: all
 * effects of a mirror are in the configuration of nodes. Unlike the controller of caches it has no options.
 */
export function createMirrorController(deps: ExtensionControllerDeps): Controller {
  return createExtensionController(
    deps,
    { type: 'registry-mirror', name: MIRROR_CONTROLLER, concurrency: 1, ignoreOperationAnnotation: false },
    NOTHING_TO_DO,
  );
}

const NOTHING_TO_DO: Actuator = {
  async reconcile() {},
  async delete() {},
  async forceDelete() {},
  async migrate() {},
  async restore() {},
};
