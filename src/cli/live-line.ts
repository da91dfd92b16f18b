import type { Clock } from '../kit/clock.ts';
import type { CommandIo } from './command.ts';

/** Progress of long work on standard error: one line that is rewritten in place on a terminal, a line every 10 s elsewhere. */
export interface LiveLine {
  /** Shows the latest progress. `text` is called only if the line is shown. */
  show(text: () => string): void;
  /** Writes a line of the result to standard output. */
  print(line: string): Promise<void>;
  /** Clears the line. */
  end(): Promise<void>;
}

/** Milliseconds between two updates: as fast as people read on a terminal, slow enough for a log elsewhere. */
const EVERY_MS = { terminal: 200, elsewhere: 10_000 };
/** Longest line in characters. A longer one would wrap, and only its last row could be cleared. */
const WIDTH = 79;
const CLEAR = '\r\u001B[2K';

export function createLiveLine(io: Pick<CommandIo, 'isTerminal' | 'out' | 'err'>, clock: Clock): LiveLine {
  const everyMs = io.isTerminal ? EVERY_MS.terminal : EVERY_MS.elsewhere;
  // Elsewhere the first line comes after 10 s: short work needs none.
  let shownAt = io.isTerminal ? -Infinity : clock.monotonic();
  let isShown = false;

  async function clear(): Promise<void> {
    if (!isShown) return;
    isShown = false;
    io.err(CLEAR);
    // Standard error is written at the end of the turn (batched-writer.ts), which must come before the next output.
    await new Promise(setImmediate);
  }

  return {
    show(text) {
      const now = clock.monotonic();
      if (now - shownAt < everyMs) return;
      shownAt = now;
      isShown = io.isTerminal;
      io.err(io.isTerminal ? `${CLEAR}${text().slice(0, WIDTH)}` : `${text()}\n`);
    },
    async print(line) {
      await clear();
      io.out(`${line}\n`);
    },
    end: clear,
  };
}

/** Shows no progress and no result, for JSON output. */
export function createSilentLine(): LiveLine {
  return { show() {}, print: () => Promise.resolve(), end: () => Promise.resolve() };
}
