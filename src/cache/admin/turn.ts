import { LarderError } from '../../kit/errors.ts';
import type { TaskGroup } from '../../kit/task-group.ts';

/** Lets work on the whole store run one at a time of each kind, and end with the program. */
export interface Turn {
  /** Runs `work` until `signal` or the end of the program aborts it. Rejects with `MAINTENANCE_RUNNING` while another of that name runs. */
  take(name: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export function createTurn(tasks: TaskGroup): Turn {
  const running = new Set<string>();
  return {
    async take(name, signal, work) {
      if (running.has(name)) {
        throw new LarderError('MAINTENANCE_RUNNING', `a ${name} runs already, and one is enough`, {
          hint: 'wait for its end, or stop whoever has started it',
        });
      }
      running.add(name);
      try {
        // The group waits for it before the store closes.
        await new Promise<void>((resolve, reject) => {
          tasks.run(name, (stopping) => work(AbortSignal.any([signal, stopping])).then(resolve, reject));
        });
      } finally {
        running.delete(name);
      }
    },
  };
}
