import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from '../kit/place.ts';

export interface DaemonOptions {
  /** Name for failure messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Place where it runs; beside the test by default. */
  readonly place?: Place | undefined;
  /** A line of its output that means "I serve". */
  readonly ready: RegExp;
}

/** A running program. Disposing it stops it. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** The match of {@link DaemonOptions.ready}, whose groups may hold an address. */
  readonly ready: RegExpExecArray;
  /** The last 64 KiB of what it printed, for failure messages. */
  output(): string;
  /** SIGTERM, and SIGKILL after 10 s. Resolves once the process is gone; a second call does nothing. */
  stop(): Promise<void>;
  /** SIGKILL to the program itself, as a crash. Resolves once it is gone; a second call does nothing. */
  kill(): Promise<void>;
}

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;
const OUTPUT_LIMIT = 64 * 1024;

/**
 * Starts a program and waits until it says that it serves. Throws an `Error` with its output when it ends before, or
 * has not said so within 30 s. The kernel kills it when this process dies in whatever way, so nothing is left behind.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, command, args, env = {}, ready, place } = options;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...(place?.enter ?? []), command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'close').then(
    () => `ended with ${child.exitCode ?? child.signalCode}`,
    (error: unknown) => `did not start: ${String(error)}`,
  );
  let output = '';
  let found: RegExpExecArray | null = null;
  const match = Promise.withResolvers<RegExpExecArray>();
  const collect = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_LIMIT);
    // Looked for only until it is there: a busy server may print megabytes.
    found ??= ready.exec(output);
    if (found !== null) match.resolve(found);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);

  const stop = async (): Promise<void> => {
    if (hasEnded(child) || child.pid === undefined) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await gone;
    clearTimeout(late);
  };

  const limit = new AbortController();
  const tooLate = delay(START_LIMIT_MS, `did not get ready within ${START_LIMIT_MS / 1000} s`, {
    signal: limit.signal,
  });
  tooLate.catch(() => undefined);
  const outcome = await Promise.race([match.promise, gone, tooLate]);
  limit.abort();
  if (typeof outcome === 'string') {
    await stop();
    throw new Error(`${name} ${outcome}:\n${output}`);
  }

  const pid = child.pid!;
  const kill = async (): Promise<void> => {
    if (hasEnded(child)) return;
    // The way into a place stays outside of it, with the program as its child.
    const program = place === undefined ? pid : onlyChildOf(pid);
    process.kill(program, 'SIGKILL');
    await gone;
  };
  return { pid, ready: outcome, output: () => output, stop, kill, [Symbol.asyncDispose]: stop };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function onlyChildOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}
