/** Runs `bin/larder` as users do: a child process with flags, files and signals; nothing of it is imported. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { get } from './client.ts';
import { parseMetrics, type Metrics } from './metrics.ts';
import type { Place } from './place.ts';
import { noteSecretFiles } from './secrets.ts';
import { tempDir } from './temp.ts';
import { waitFor } from './wait.ts';
import { createWitness } from './witness.ts';

/** A JSON log line; lines that are not JSON are in `msg`. */
export interface LogLine {
  readonly msg?: string;
  readonly level?: string | number;
  readonly event?: string;
  readonly [field: string]: unknown;
}

/** Secret names, each with its keys: `{ 'my-secret': { username: '...', password: '...' } }`. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface LarderOptions {
  /** The configuration: an object is written as JSON, text as it is. Without it `--config` is not given. */
  readonly config?: object | string;
  readonly secrets?: Secrets;
  /** More arguments, after those of the kit. */
  readonly flags?: readonly string[];
  /** The arguments after `serve`, instead of all those of the kit. `store` is then the directory that they lead to. */
  readonly ownFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Store directory to use and keep; a temporary one by default. */
  readonly store?: string;
  /** Milliseconds until the process must be ready; 20 000 by default. */
  readonly readyMs?: number;
  /** The executable, a file for Node; `bin/larder` of this checkout by default. */
  readonly executable?: string;
  /** Place of the process; beside the test by default. The exit code may be lost in other places. */
  readonly place?: Place;
}

/** The end of a process. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LarderProcess extends AsyncDisposable {
  /** URL of the registry listener in {@link LarderOptions.place}, without a slash at the end. */
  readonly registry: string;
  /** URL of the admin listener, for the test. */
  readonly admin: string;
  readonly pid: number;
  readonly store: string;
  readonly logs: readonly LogLine[];
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>;
  /** The first log line with this `event`. Waits for the line, 10 s at most. */
  event(name: string, limitMs?: number): Promise<LogLine>;
  /** All metrics, read now. */
  metrics(): Promise<Metrics>;
  /** One metric, read now: the sum over all series that have these labels; 0 when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Replaces the configuration file, by rename. */
  writeConfig(config: object | string): void;
  /** Replaces one key file of a secret, by rename. */
  writeSecret(name: string, key: string, value: string): void;
  /** Sends the signal (SIGTERM) to the process and waits for its end (40 s at most; it may drain for 30). */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/**
 * Starts `larder serve` on free ports and waits until it is ready. Disposing kills a process that still runs, removes its temporary
 * files, and fails if the process showed a secret of this test (a password or token of an upstream, a configured credential) in its
 * log, command line, metrics, statistics or store.
 *
 * @throws Error with the log of a process that ends or is not ready in time.
 */
export async function startLarder(options: LarderOptions = {}): Promise<LarderProcess> {
  const files = tempDir();
  const writeConfig = (config: object | string): string =>
    files.write('config.yaml', typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  const keysOf = new Map(Object.entries(options.secrets ?? {}));
  const writeSecret = (name: string, key: string, value: string): string => {
    keysOf.set(name, { ...keysOf.get(name), [key]: value });
    noteSecretFiles(name, keysOf.get(name) ?? {});
    return files.write(`secrets/${name}/${key}`, value);
  };
  const store = options.store ?? resolve(files.path, 'store');
  const argv = ['serve', '--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0', '--store', store];
  argv.push('--log-format', 'json');
  if (options.ownFlags !== undefined) argv.splice(1, argv.length, ...options.ownFlags);
  if (options.config !== undefined) argv.push('--config', writeConfig(options.config));
  if (options.secrets !== undefined) {
    for (const [name, keys] of Object.entries(options.secrets)) {
      for (const [key, value] of Object.entries(keys)) writeSecret(name, key, value);
    }
    argv.push('--secrets', resolve(files.path, 'secrets'));
  }
  const child = start([...argv, ...(options.flags ?? [])], options);
  const witness = createWitness();
  const logs: LogLine[] = [];
  createInterface(child.stderr).on('line', (line) => logs.push(parseLine(line)));
  child.stdout.resume();
  child.stdin.end();
  const exited = exitOf(child);
  let exit: Exit | undefined;
  const noted = exited.then((end) => {
    exit = end;
  });

  async function event(name: string, limitMs = 10_000): Promise<LogLine> {
    const find = (): LogLine | undefined => logs.find((line) => line.event === name);
    await waitFor(() => find() ?? exit, { limitMs, what: `log line with "event":"${name}"` });
    const line = find();
    if (line) return line;
    throw new Error(`larder ended (${JSON.stringify(exit)}) before it logged "event":"${name}"`);
  }

  async function look(): Promise<void> {
    if (!exit && admin !== '') await witness.look({ pid: child.pid, admin });
  }

  async function dispose(): Promise<void> {
    await look();
    if (!exit) child.kill('SIGKILL');
    await noted;
    try {
      witness.judge({ log: logs.map((line) => JSON.stringify(line)).join('\n'), store });
    } finally {
      files[Symbol.dispose]();
    }
  }

  let admin = '';
  try {
    const ready = await event('ready', options.readyMs ?? 20_000);
    const listener = trimSlash(ready['admin']);
    admin = (await options.place?.reach(listener)) ?? listener;
    const metrics = async (): Promise<Metrics> => parseMetrics((await get(`${admin}/metrics`)).text());
    return {
      registry: trimSlash(ready['registry']),
      admin,
      pid: child.pid ?? 0,
      store,
      logs,
      exited,
      event,
      metrics,
      metric: async (name, labels) => (await metrics()).sum(name, labels),
      writeConfig: (config) => void writeConfig(config),
      writeSecret: (name, key, value) => void writeSecret(name, key, value),
      async stop(signal = 'SIGTERM') {
        // A crash must not wait for the witness; an orderly stop can.
        if (signal !== 'SIGKILL') await look();
        child.kill(signal);
        return waitFor(() => exit, { limitMs: 40_000, what: `larder to end after ${signal}` });
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    const tail = logs.map((line) => JSON.stringify(line)).join('\n');
    await dispose();
    throw new Error(`larder ${argv.join(' ')} did not start; its log:\n${tail}`, { cause: error });
  }
}

/** The result of a command that ends by itself. */
export interface CommandResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `larder` with these arguments until it ends; kills it after `limitMs` (20 000). */
export async function runLarder(
  args: readonly string[],
  options: Pick<LarderOptions, 'env' | 'executable'> & {
    readonly input?: string;
    readonly limitMs?: number;
  } = {},
): Promise<CommandResult> {
  const child = start(args, options);
  const killer = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 20_000);
  try {
    child.stdin.end(options.input ?? '');
    const [stdout, stderr, exit] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      exitOf(child),
    ]);
    return { ...exit, stdout, stderr };
  } finally {
    clearTimeout(killer);
  }
}

/** `bin/larder` of this checkout. */
export const EXECUTABLE = fileURLToPath(new URL('../../bin/larder', import.meta.url));

function start(args: readonly string[], { env, executable = EXECUTABLE, place }: LarderOptions) {
  // A stand-in in TypeScript runs on the Node of the test. The real executable finds its own.
  const interpreter = executable.endsWith('.ts') ? [process.execPath] : [];
  const command = [...(place?.enter ?? []), ...interpreter, executable, ...args];
  return spawn(command[0] as string, command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Resolves once the process has ended and its output is read, or could not be started at all. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((settle) => {
    child.once('error', () => settle({ code: null, signal: null }));
    child.once('close', (code, signal) => settle({ code, signal }));
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const part of stream as AsyncIterable<string>) text += part;
  return text;
}

function parseLine(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return parsed as LogLine;
  } catch {
    // Not JSON: a crash report of Node, for example.
  }
  return { msg: line };
}

function trimSlash(url: unknown): string {
  return String(url).replace(/\/$/, '');
}
