import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tempDir, waitFor, type LogLine } from '../kit/index.ts';

export interface AgentProcessOptions {
  readonly document: object;
  readonly port: number;
  readonly certsDirectory: string;
  readonly containerdConfig: string;
}

/** `bin/larder node-agent`. Disposing it kills it, if it still runs. */
export interface AgentProcess extends AsyncDisposable {
  /** What it last said of its node. */
  status(): LogLine;
  writeDocument(document: object): void;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const EXECUTABLE = join(import.meta.dirname, '../../bin/larder');

/** Starts it and waits until it relays. Throws an `Error` with its log when it does not. */
export async function startAgentProcess(options: AgentProcessOptions): Promise<AgentProcess> {
  const files = tempDir();
  const writeDocument = (next: object): string => files.write('nodes.json', JSON.stringify(next));
  const args = ['node-agent', '--config', writeDocument(options.document), '--log-format', 'json'];
  args.push('--address', `127.0.0.1:${options.port}`, '--certs-dir', options.certsDirectory);
  args.push('--containerd-config', options.containerdConfig);
  const child = spawn(EXECUTABLE, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = once(child, 'close');
  const logs: LogLine[] = [];
  createInterface(child.stderr).on('line', (line) => logs.push(JSON.parse(line) as LogLine));

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  }
  const agent: AgentProcess = {
    status: () => logs.findLast(({ event }) => event === 'node-status') ?? {},
    writeDocument: (next) => void writeDocument(next),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      files[Symbol.dispose]();
    },
  };
  try {
    await waitFor(() => logs.some(({ event }) => event === 'ready'), { what: 'the agent to be ready' });
    return agent;
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw new Error(`larder ${args.join(' ')} did not start: ${JSON.stringify(logs)}`, { cause: error });
  }
}
