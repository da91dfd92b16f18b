import type { Clock } from '../kit/clock.ts';
import type { CommandIo } from './command.ts';

/** How far long work is: one line that is rewritten in place on a terminal, a line now and then elsewhere; on standard error. */
export interface LiveLine {
  /** The latest; `text` is asked for only when it is shown. */
  show(text: () => string): void;
  /** Writes a line of the outcome to standard output. */
  print(line: string): Promise<void>;
  /** Takes the line away. */
  end(): Promise<void>;
}

/** Milliseconds between two states of the line: as fast as people read, and for a log. */
const EVERY_MS = { terminal: 200, elsewhere: 10_000 };
/** A line that is longer would leave its first part behind. */
const WIDTH = 79;
const CLEAR = '\r\u001B[2K';

export function createLiveLine(io: Pick<CommandIo, 'isTerminal' | 'out' | 'err'>, clock: Clock): LiveLine {
  const everyMs = io.isTerminal ? EVERY_MS.terminal : EVERY_MS.elsewhere;
  // Short work needs no line in a log.
  let shownAt = io.isTerminal ? -Infinity : clock.monotonic();
  let isShown = false;

  async function clear(): Promise<void> {
    if (!isShown) return;
    isShown = false;
    io.err(CLEAR);
    // Standard error is written at the end of the turn, see batched-writer.ts: before what comes now.
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

/** Says nothing: for output that programs read. */
export function createSilentLine(): LiveLine {
  return { show() {}, print: () => Promise.resolve(), end: () => Promise.resolve() };
}
