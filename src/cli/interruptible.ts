import type { CommandIo } from './command.ts';
import { EXIT } from './exit.ts';

/** Runs work that SIGINT or SIGTERM ends early, with the exit code for that (contract: "Exit codes"). */
export async function interruptible(
  io: CommandIo,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = new AbortController();
  const end = io.onSignal((name) => stop.abort(new Error(name)));
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    io.err('larder: interrupted\n');
    return EXIT.interrupted;
  } finally {
    end();
  }
}
