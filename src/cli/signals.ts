import type { CommandIo } from './command.ts';
import { EXIT } from './exit.ts';

/** Resolves with the name of the next SIGINT or SIGTERM. */
export function nextSignal(io: CommandIo): Promise<string> {
  return new Promise((resolve) => {
    const end = io.onSignal((name) => {
      end();
      resolve(name);
    });
  });
}

/** Runs work that SIGINT or SIGTERM aborts, with the exit code for that (docs/reference/cli.md). */
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
