import type { Logger } from '../kit/logger.ts';

/** A program that ends by itself only with an error. */
export interface RunningProgram {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Runs until a signal arrives or the program fails, then stops it. Throws the program's error. */
export async function runUntil(
  stopping: Promise<string>,
  running: RunningProgram,
  logger: Logger,
): Promise<void> {
  try {
    const name = await Promise.race([stopping, running.ended.then(() => 'end')]);
    logger.info('stopping', { event: 'stopping', signal: name });
  } finally {
    await running.stop();
  }
  logger.info('stopped', { event: 'stopped' });
}
