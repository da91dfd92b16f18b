import type { Actuator, ActuatorContext } from '../../src/gardener/extensions/actuator.ts';
import type { ActuatorMethod } from '../../src/gardener/extensions/operation.ts';

type Script = (context: ActuatorContext, method: ActuatorMethod) => Promise<void> | void;

/** An actuator that does what the test says, and counts. */
export interface ScriptedActuator extends Actuator {
  /** Methods in the order of their calls. */
  readonly calls: ActuatorMethod[];
  /** Work of the next calls. Does nothing by default. */
  script: Script;
}

export function createScriptedActuator(script: Script = () => {}): ScriptedActuator {
  const calls: ActuatorMethod[] = [];
  const method = (name: ActuatorMethod) => async (context: ActuatorContext) => {
    calls.push(name);
    await actuator.script(context, name);
  };
  const actuator: ScriptedActuator = {
    calls,
    script,
    reconcile: method('reconcile'),
    delete: method('delete'),
    forceDelete: method('forceDelete'),
    migrate: method('migrate'),
    restore: method('restore'),
  };
  return actuator;
}
