import { untilAborted } from '../../src/kit/abort.ts';
import type { Actuator, ActuatorContext } from '../../src/gardener/extensions/actuator.ts';
import type { Outcome } from './recorded-operations.ts';

/** An actuator whose work has the recorded outcome, so that only the controller around it is under test. */
export interface RecordedActuator extends Actuator {
  /** Fixes the outcome of the next calls, and of one that waits for it. */
  expect(outcome: Outcome): void;
  /** True while a call goes on that the recording did not see end. */
  readonly isWaiting: boolean;
}

export function createRecordedActuator(): RecordedActuator {
  let next: Outcome | undefined;
  let goOn: (() => void) | undefined;

  async function work({ publish, signal }: ActuatorContext): Promise<void> {
    if (next?.settled === 'timeout') {
      const { promise, resolve } = Promise.withResolvers<void>();
      goOn = resolve;
      await untilAborted(promise, signal);
      goOn = undefined;
    }
    const text = next?.transitions.map((one) => ERROR.exec(one)?.[1]).find((one) => one !== undefined);
    if (text !== undefined) throw new Error(text);
    const published = next?.extension?.status.providerStatus;
    if (published !== undefined) await publish(published);
  }

  return {
    expect(outcome) {
      next = outcome;
      goOn?.();
    },
    get isWaiting() {
      return goOn !== undefined;
    },
    async reconcile(context) {
      await context.cluster();
      await work(context);
    },
    delete: work,
    forceDelete: work,
    migrate: work,
    async restore(context) {
      await context.cluster();
      await work(context);
    },
  };
}

/** Takes the part of a description that comes from the actuator. */
const ERROR =
  /^[A-Z][a-z]+\/Error\/50 (?:Error (?:reconciling Extension|deleting the Extension|migrating Extension resource)|Unable to restore Extension resource): (.*)$/s;
