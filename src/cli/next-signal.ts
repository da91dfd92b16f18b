import type { CommandIo } from './command.ts';

/** The first SIGINT or SIGTERM from now on. */
export function nextSignal(io: CommandIo): Promise<string> {
  return new Promise((resolve) => {
    const end = io.onSignal((name) => {
      end();
      resolve(name);
    });
  });
}
