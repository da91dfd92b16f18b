/** A node agent in this process, in front of a programmable upstream that plays the cache. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createFileSource } from '../../src/node-agent/document/file-source.ts';
import { startNodeAgent, type NodeAgentDeps, type RunningNodeAgent } from '../../src/node-agent/program.ts';
import {
  get,
  head,
  measureMachine,
  startUpstream,
  tempDir,
  waitFor,
  type GetOptions,
  type GetResult,
  type TempDir,
  type Upstream,
} from '../kit/index.ts';
import { createScaledClock } from '../kube/scaled-clock.ts';

export const machine = await measureMachine();

/** Time that passes as slowly as the machine works: for an agent whose cache has to answer probes in time. */
export const machineClock = createScaledClock({ factor: 1 / machine.slowness });

/** Upstream of the cache, as nodes know it. */
export const NAME = 'hub.example';

/** A cache entry of the document; its certificate is for `localhost`. */
export function cacheEntry(endpoint: string, upstream = NAME): object {
  return { upstream, server: `https://${upstream}`, endpoint, serverName: 'localhost' };
}

export interface RunningAgent extends AsyncDisposable {
  readonly agent: RunningNodeAgent;
  /** URL of the relay, with a path and `ns`. */
  url(path: string, ns?: string): string;
  /** Sends a request there, trusting the relay's authority. */
  get(path: string, options?: GetOptions): Promise<GetResult>;
  head(path: string, options?: GetOptions): Promise<GetResult>;
  readonly hasHosts: (upstream?: string) => boolean;
}

export interface AgentSetting extends RunningAgent {
  readonly files: TempDir;
  writeDocument(document: object): void;
}

/** An agent that reads this document from a file. */
export async function startAgent(document: object, port = 0, clock = systemClock): Promise<AgentSetting> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const writeDocument = (next: object): string => files.write('nodes.json', JSON.stringify(next));
  const source = createFileSource(writeDocument(document), clock, silentLogger);
  const running = cleanup.use(await startAgentWith({ source }, files, port, clock));
  const owned = cleanup.move();
  return {
    ...running,
    files,
    writeDocument: (next) => void writeDocument(next),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** An agent with these ties, and its `certs.d` in `files`. */
export async function startAgentWith(
  ties: Pick<NodeAgentDeps, 'source' | 'reporter'>,
  files: TempDir,
  port = 0,
  clock = systemClock,
): Promise<RunningAgent> {
  const certsDirectory = join(files.path, 'certs.d');
  const agent = await startNodeAgent(
    {
      address: { host: '127.0.0.1', port },
      certsDirectory,
      configPath: certsDirectory,
      containerdConfig: join(files.path, 'config.toml'),
    },
    { ...ties, clock, logger: silentLogger },
  );
  const { url: relay, ca } = agent.relay;
  const url: RunningAgent['url'] = (path, ns = NAME) =>
    `${relay}${path}${path.includes('?') ? '&' : '?'}ns=${ns}`;
  return {
    agent,
    url,
    get: (path, options) => get(url(path), { ...options, ca }),
    head: (path, options) => head(url(path), { ...options, ca }),
    hasHosts: (upstream = NAME) => existsSync(join(certsDirectory, upstream, 'hosts.toml')),
    [Symbol.asyncDispose]: () => agent.stop(),
  };
}

export interface Pair extends AgentSetting {
  readonly cache: Upstream;
}

/** Both, once containerd is pointed at the relay. */
export async function startPair({ tls = true, clock = systemClock } = {}): Promise<Pair> {
  await using cleanup = new AsyncDisposableStack();
  const cache = cleanup.use(await startUpstream({ tls }));
  playLarder(cache);
  const setting = cleanup.use(
    await startAgent({ revision: '1', ca: cache.caPem ?? '', caches: [cacheEntry(cache.url)] }, 0, clock),
  );
  await waitFor(() => setting.hasHosts(), { what: 'hosts.toml' });
  const owned = cleanup.move();
  return { ...setting, cache, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Answers probes as Larder does. */
export function playLarder(cache: Upstream): void {
  cache.faults.add({
    match: { kind: 'other' },
    headers: { 'cache-status': 'larder; detail=CATALOG_UNSUPPORTED' },
  });
}
