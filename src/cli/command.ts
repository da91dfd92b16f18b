import type { Command } from 'commander';

/** The parts of the process that a command may use. Tests pass their own. */
export interface CommandIo {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly version: string;
  out(text: string): void;
  err(text: string): void;
  /** Reads standard input to its end. Rejects above 16 MiB. */
  readInput(): Promise<string>;
  /** Calls `listener` for each SIGINT and SIGTERM, until the returned function is called. */
  onSignal(listener: (name: 'SIGINT' | 'SIGTERM') => void): () => void;
}

/** A command of `larder`. `build` makes its parser, which calls `done` with the exit code. */
export interface CommandDefinition {
  build(done: (code: number) => void): Command;
  /** For a command with a parser of its own: its name, and the command itself, which takes all arguments after the name. */
  readonly own?: { readonly name: string; run(args: readonly string[]): Promise<number> };
}
