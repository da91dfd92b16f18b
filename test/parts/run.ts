import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Place } from '../kit/place.ts';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Text for its standard input; none by default. */
  readonly input?: string;
  /** Place where it runs; beside the test by default. */
  readonly place?: Pick<Place, 'enter'> | undefined;
  /** Milliseconds after which the command is killed; 60 000 by default. */
  readonly limit?: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end and gives what it printed. Throws an `Error` with command, exit code and the end of its
 * output when it does not end with 0, or not within the limit.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await runToExit(command, args, options);
  if (result.code === 0) return result;
  const ending = result.code === null ? 'was killed' : `ended with ${result.code}`;
  throw new Error(
    `${command} ${args.join(' ')}\n${ending}: ${lastPart(`${result.stdout}\n${result.stderr}`)}`,
  );
}

/** As {@link run}, for commands whose failure is an answer too: gives the exit code, null when killed by a signal. */
export async function runToExit(
  command: string,
  args: readonly string[],
  { env = {}, cwd, input = '', place, limit = 60_000 }: RunOptions = {},
): Promise<RunResult> {
  const [program, ...words] = [...(place?.enter ?? []), command, ...args] as [string, ...string[]];
  const child = spawn(program, words, {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(limit),
    killSignal: 'SIGKILL',
  });
  // A command that does not read its input to the end has no use for the rest.
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]).catch((error: unknown) => {
    throw new Error(`${command} ${args.join(' ')}\ndid not start, or not end within ${limit} ms`, {
      cause: error,
    });
  });
  return { code, stdout, stderr };
}

function lastPart(output: string): string {
  return output.trim().slice(-4000);
}
