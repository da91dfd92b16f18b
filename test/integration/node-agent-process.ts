import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { EXECUTABLE, tempDir, waitFor, type LogLine } from '../kit/index.ts';

export interface AgentPlace {
  readonly port: number;
  readonly certsDirectory: string;
  readonly containerdConfig: string;
}

/** `bin/larder node-agent`. Disposing kills a running process. */
export interface AgentProcess extends AsyncDisposable {
  readonly pid: number;
  /** Last logged status of the node. */
  status(): LogLine;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** An agent that reads its document from a file. */
export interface AgentOfFile extends AgentProcess {
  writeDocument(document: object): void;
}

/** Starts an agent that reads this document from a file. See {@link startAgentProcess}. */
export async function startAgentOfFile(document: object, place: AgentPlace): Promise<AgentOfFile> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const writeDocument = (next: object): string => files.write('nodes.json', JSON.stringify(next));
  const agent = cleanup.use(await startAgentProcess(['--config', writeDocument(document)], place));
  const owned = cleanup.move();
  return {
    ...agent,
    writeDocument: (next) => void writeDocument(next),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts an agent and waits until it relays. Throws an `Error` with its log if it does not. */
export async function startAgentProcess(flags: readonly string[], place: AgentPlace): Promise<AgentProcess> {
  const args = ['node-agent', ...flags, '--log-format', 'json', '--address', `127.0.0.1:${place.port}`];
  args.push('--certs-dir', place.certsDirectory, '--containerd-config', place.containerdConfig);
  const child = spawn(EXECUTABLE, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = once(child, 'close');
  const logs: LogLine[] = [];
  createInterface(child.stderr).on('line', (line) => logs.push(JSON.parse(line) as LogLine));

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  }
  const agent: AgentProcess = {
    pid: child.pid ?? 0,
    status: () => logs.findLast(({ event }) => event === 'node-status') ?? {},
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
  try {
    await waitFor(() => logs.some(({ event }) => event === 'ready'), { what: 'the agent to be ready' });
    return agent;
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw new Error(`larder ${args.join(' ')} did not start: ${JSON.stringify(logs)}`, { cause: error });
  }
}
