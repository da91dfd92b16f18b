import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from '../kit/client.ts';
import { EXECUTABLE, type LogLine } from '../kit/process.ts';
import { waitFor } from '../kit/wait.ts';
import type { PrivateNamespace } from '../cluster/private-namespace.ts';
import type { GardenLab } from './admission-lab.ts';
import type { LabCollection } from './lab-objects.ts';

/** Changes of the flags of {@link startAdmission}. A flag whose value is `null` is left out. */
export type FlagChanges = Readonly<Record<string, string | number | null>>;

export interface LabProgram extends AsyncDisposable {
  /** Exit code once the program has ended. */
  readonly exitCode: () => number | null;
  readonly ended: Promise<unknown>;
  /** Process of the program. Undefined once it has ended. */
  pid(): Promise<number | undefined>;
  /** Everything that it printed. */
  output(): string;
  /** Error that it reported last, as a line `Error: ...` or a JSON line of level error. */
  error(): string | undefined;
  /** True once `/readyz` answers 200. */
  isReady(): Promise<boolean>;
  /** Status of `http://127.0.0.1:PORT/PATH` in the lab. */
  status(portAndPath: string): Promise<number>;
  /** Sends SIGTERM, waits for the end and gives the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** Place of the programs of a lab. */
export interface ProgramPlace {
  readonly place: Pick<PrivateNamespace, 'enter' | 'reach'>;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A lab with a program that has webhooks. */
export interface WebhookLab extends ProgramPlace {
  /** Kubeconfig of the program. */
  readonly kubeconfig: string;
  /** Directory of its certificates. */
  readonly certDir: string;
  /** The registrations of its webhooks. */
  readonly configurations: LabCollection;
  /** The Secrets of its certificates. */
  readonly secrets: LabCollection;
  readonly leases: LabCollection;
}

/** Starts `larder admission` in the lab, with the flags and the environment of the recordings. Does not wait until it is ready. */
export function startAdmission(
  lab: GardenLab,
  changes: FlagChanges = {},
  environment: Readonly<Record<string, string>> = {},
): LabProgram {
  return startLabProgram(lab, 'admission', { ...flagsOf(lab), ...changes }, environment);
}

/** Starts a command of Larder in a lab. Does not wait until it is ready. */
export function startLabProgram(
  lab: ProgramPlace,
  name: string,
  flags: FlagChanges,
  environment: Readonly<Record<string, string>> = {},
): LabProgram {
  const args = Object.entries(flags).flatMap(([flag, value]) => (value === null ? [] : [`${flag}=${value}`]));
  const [command, ...rest] = [...lab.place.enter, EXECUTABLE, name, ...args];
  const child = spawn(command as string, rest, {
    env: { PATH: process.env['PATH'], HOME: lab.directory, ...lab.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close');
  const healthPort = String(flags['--health-bind-address']).split(':').pop();
  const status = async (portAndPath: string): Promise<number> => {
    const [port, ...path] = portAndPath.split('/');
    return (await get(`${await lab.place.reach(`http://127.0.0.1:${port}`)}/${path.join('/')}`)).status;
  };

  async function end(signal: NodeJS.Signals): Promise<void> {
    const pid = await programOf(child);
    if (pid !== undefined) process.kill(pid, signal);
    await ended;
  }
  return {
    exitCode: () => child.exitCode,
    ended,
    pid: () => programOf(child),
    output: () => output,
    error: () => errorIn(output),
    isReady: async () => output.includes('"event":"ready"') && (await status(`${healthPort}/readyz`)) === 200,
    status,
    async stop() {
      await end('SIGTERM');
      return child.exitCode;
    },
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

function flagsOf(lab: GardenLab): Record<string, string | number | null> {
  return {
    '--kubeconfig': lab.kubeconfig,
    '--leader-election': 'false',
    '--webhook-config-mode': 'url',
    '--webhook-config-url': '127.0.0.1:10260',
    '--webhook-config-namespace': 'garden',
    '--webhook-config-owner-namespace': 'extension-extension-registry-cache',
    '--webhook-config-cert-dir': lab.certDir,
    '--webhook-config-server-port': 10260,
    '--metrics-bind-address': '127.0.0.1:8090',
    '--health-bind-address': '127.0.0.1:8091',
  };
}

/** The way into the lab stays outside of it, with the program as its child. Its exit code is that of the program. */
async function programOf(child: ChildProcess): Promise<number | undefined> {
  const children = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  const found = () => (child.exitCode === null && child.signalCode === null ? children() : 'ended');
  const text = await waitFor(found, { what: 'the program in the lab' });
  return text === 'ended' ? undefined : Number(text);
}

function errorIn(output: string): string | undefined {
  for (const line of output.trim().split('\n').toReversed()) {
    if (line.startsWith('Error:')) return line.slice('Error:'.length).trim();
    if (!line.startsWith('{')) continue;
    const { level, error, msg } = JSON.parse(line) as LogLine & { readonly error?: string };
    if (level === 'error') return error ?? msg;
  }
  return undefined;
}
