import type { ClosableKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { Controller, ControllerDeps } from '../kube/controller/controller.ts';
import type { KubeClient } from '../kube/types.ts';
import { createCachesActuator, type CachesActuatorSettings } from './actuator/caches-actuator.ts';
import { createExtensionController } from './extensions/extension-controller.ts';
import type { WatchedExtensions } from './extensions/watched-extensions.ts';
import { createMirrorController } from './mirrors/mirror-controller.ts';
import { CACHE_CONTROLLER, MIRROR_CONTROLLER, type ControllerName } from './names.ts';
import { createMirrorsActuator } from './replication/mirrors-actuator.ts';
import { createReplicatedActuator } from './replication/replicated-actuator.ts';
import { takeDown } from './replication/take-down.ts';
import { Turns } from './replication/turns.ts';

export interface ExtensionControllersSettings extends CachesActuatorSettings {
  readonly controllers: readonly ControllerName[];
  /** Extensions of one type handled at once. */
  readonly concurrency: number;
  readonly ignoreOperationAnnotation: boolean;
}

export interface ExtensionControllersDeps extends ControllerDeps {
  readonly client: KubeClient;
  /** Creates a client of a shoot. */
  readonly connect: (connection: KubeConnection) => ClosableKubeClient;
  readonly watched: WatchedExtensions;
}

/** Creates the controllers that are wanted, each with its actuator. */
export function extensionControllers(
  deps: ExtensionControllersDeps,
  settings: ExtensionControllersSettings,
): readonly Controller[] {
  const { controllers, concurrency, ignoreOperationAnnotation } = settings;
  const found: Controller[] = [];
  const parts = { ...deps, turns: new Turns(), takeDown };
  // Without the controller of caches there is no image, and another process has that controller.
  const hasCaches = controllers.includes(CACHE_CONTROLLER);
  if (hasCaches) {
    const options = { type: 'registry-cache', name: CACHE_CONTROLLER } as const;
    const actuator = createReplicatedActuator(parts, settings, createCachesActuator(deps, settings));
    found.push(
      createExtensionController(deps, { ...options, concurrency, ignoreOperationAnnotation }, actuator),
    );
  }
  if (controllers.includes(MIRROR_CONTROLLER)) {
    const actuator = hasCaches ? createMirrorsActuator(parts, settings) : undefined;
    found.push(createMirrorController(deps, { concurrency }, actuator));
  }
  return found;
}
