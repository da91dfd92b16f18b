import { LarderError } from '../../kit/errors.ts';
import type { TaskGroup } from '../../kit/task-group.ts';

/** Runs work on the whole store, one at a time of each name, and ends it with the program. */
export interface Turn {
  /**
   * Runs `work`; `signal` or the end of the program aborts it. Rejects with `MAINTENANCE_RUNNING` while other work of that
   * name runs.
   */
  take(name: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export function createTurn(tasks: TaskGroup): Turn {
  const running = new Set<string>();
  return {
    async take(name, signal, work) {
      if (running.has(name)) {
        throw new LarderError('MAINTENANCE_RUNNING', `a ${name} is already running`, {
          hint: 'wait until it ends, or stop the client that started it',
        });
      }
      running.add(name);
      try {
        // The task group waits for the work before the store closes.
        await new Promise<void>((resolve, reject) => {
          tasks.run(name, (stopping) => work(AbortSignal.any([signal, stopping])).then(resolve, reject));
        });
      } finally {
        running.delete(name);
      }
    },
  };
}
