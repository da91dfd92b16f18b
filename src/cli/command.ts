import type { Command } from 'commander';

/** What a command may touch of the process around it; tests give their own. */
export interface CommandIo {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly version: string;
  out(text: string): void;
  err(text: string): void;
  /** Called once for each SIGINT and SIGTERM; the returned function ends that. */
  onSignal(listener: (name: 'SIGINT' | 'SIGTERM') => void): () => void;
}

/** A command of the program: builds its parser, which tells `done` the exit code. */
export interface CommandDefinition {
  build(done: (code: number) => void): Command;
}
