import { keepAlive } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CommandIo } from '../command.ts';
import { EXIT } from '../exit.ts';
import { runUntil, type RunningProgram } from '../run-until.ts';
import { nextSignal } from '../signals.ts';

/** A program with its logger. */
export interface StartedProgram {
  readonly running: RunningProgram;
  readonly logger: Logger;
}

/** Starts a program and runs it until SIGINT or SIGTERM. `start` gets a signal that aborts after the program. Returns the exit code. */
export async function runProgram(
  io: CommandIo,
  start: (signal: AbortSignal) => Promise<StartedProgram>,
): Promise<number> {
  using _alive = keepAlive();
  const stopping = nextSignal(io);
  const program = new AbortController();
  try {
    const { running, logger } = await start(program.signal);
    await runUntil(stopping, running, logger);
    return EXIT.done;
  } finally {
    program.abort();
  }
}
