import { sleep, type Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { STILL_ROUTED_MS } from './webhook/webhooks.ts';

/** A program whose work goes on in the background. */
export interface ProgramLife {
  /** Resolves after {@link ProgramLife.stop}. Rejects if the work fails: the program must end then. */
  readonly ended: Promise<void>;
  /** Lets the work end, answers requests for 3 s more and closes everything; at once if the work has failed. */
  stop(): Promise<void>;
}

export interface ProgramLifeDeps {
  readonly clock: Clock;
  /** Aborted by the stop. */
  readonly stopping: AbortController;
  /** Everything to close in the end. It is moved out. */
  readonly cleanup: AsyncDisposableStack;
}

export interface ProgramLifeOptions {
  readonly run: (stop: AbortSignal) => Promise<void>;
  /** Called when the stop begins, while the work ends. */
  readonly retire: () => void;
  /** True if requests may still arrive after the stop. */
  readonly isRouted: () => boolean;
}

/** Starts the work of a program, and gives what its owner needs to end it. */
export function startProgramLife(
  { clock, stopping, cleanup }: ProgramLifeDeps,
  { run, retire, isRouted }: ProgramLifeOptions,
): ProgramLife {
  let hasFailed = false;
  const ended = run(stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    hasFailed = true;
    throw error;
  });
  // The caller handles a rejection of `ended` later. Until then it must not count as unhandled.
  ended.catch(() => {});

  const owned = cleanup.move();
  return {
    ended,
    async stop() {
      stopping.abort(new LarderError('SHUTTING_DOWN', 'Larder is stopping'));
      retire();
      await ended.catch(() => {});
      if (isRouted() && !hasFailed) await sleep(clock, STILL_ROUTED_MS);
      await owned.disposeAsync();
    },
  };
}
