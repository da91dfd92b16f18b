import { Command, Option } from 'commander';
import { keepAlive, systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Address } from '../kit/listen.ts';
import { createLogger, type Logger, type LogLevel } from '../kit/logger.ts';
import type { NodeAgentDeps } from '../node-agent/program.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import {
  contextOption,
  kubeconfigOption,
  kubeConnectionOf,
  namespaceOption,
  type KubeOptions,
} from './kube-connection.ts';
import { nextSignal } from './signals.ts';
import { logFormatOption, logLevelOption, option, parseLoopback } from './options.ts';

interface NodeAgentOptions extends KubeOptions {
  config?: string;
  nodeName?: string;
  podName?: string;
  podUid?: string;
  state?: string;
  address: Address;
  certsDir: string;
  configPath?: string;
  containerdConfig: string;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  uninstall?: boolean;
}

/** `larder node-agent`: runs the relay of a node and owns its hosts.toml files. Exits with 0 after SIGINT or SIGTERM. */
export function nodeAgentCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('node-agent')
        .description('Point the containerd of this node at the caches of its cluster.')
        .addOption(option('--config <file>', 'node document, JSON, re-read when it changes'))
        .addOption(
          option('--node-name <name>', 'name of this node; its node document then comes from the API server'),
        )
        .addOption(namespaceOption())
        .addOption(option('--pod-name <name>', "pod that owns the node's report"))
        .addOption(option('--pod-uid <uid>', 'uid of that pod'))
        .addOption(kubeconfigOption())
        .addOption(contextOption())
        .addOption(
          option(
            '--state <dir>',
            'directory that keeps the node document for a start without the API server',
          ),
        )
        .addOption(
          option('--address <host:port>', 'relay listener for containerd; a loopback address')
            .argParser(parseLoopback)
            .default(parseLoopback('127.0.0.1:5010'), '127.0.0.1:5010'),
        )
        .addOption(
          option(
            '--certs-dir <dir>',
            "containerd's directory of hosts.toml files, as this process sees it",
          ).default('/etc/containerd/certs.d'),
        )
        .addOption(
          option(
            '--config-path <dir>',
            'the same directory, as containerd sees it (default: the value of --certs-dir)',
          ),
        )
        .addOption(
          option('--containerd-config <file>', 'configuration of containerd, which is only read').default(
            '/etc/containerd/config.toml',
          ),
        )
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(new Option('--uninstall', 'remove all files that an agent has written, and exit'))
        .action(async (options: NodeAgentOptions) => done(await nodeAgent(options, io))),
  };
}

async function nodeAgent(options: NodeAgentOptions, io: CommandIo): Promise<number> {
  using _alive = keepAlive();
  if (options.uninstall === true) return uninstall(options.certsDir, io);
  const place = placeOf(options);
  const logger = createLogger({ level: options.logLevel, format: options.logFormat }, (line) => io.err(line));
  const stopping = nextSignal(io);
  await using cleanup = new AsyncDisposableStack();
  const { source, reporter } = await tiesOf(place, options, io, logger, cleanup);
  const { startNodeAgent } = await import('../node-agent/program.ts');
  const agent = await startNodeAgent(
    {
      address: options.address,
      certsDirectory: options.certsDir,
      configPath: options.configPath ?? options.certsDir,
      containerdConfig: options.containerdConfig,
    },
    { source, reporter, clock: systemClock, logger },
  );
  logger.info('relay listening', {
    event: 'ready',
    relay: agent.relay.url,
    revision: agent.status()?.revision,
  });
  const name = await stopping;
  logger.info('stopping', { event: 'stopping', signal: name });
  await agent.stop();
  logger.info('stopped', { event: 'stopped' });
  return EXIT.done;
}

/** The source of the node document: a file, or the API server, which also gets the node's report. */
type Place =
  | { readonly file: string }
  | { readonly node: string; readonly owner: { readonly name: string; readonly uid: string } | undefined };

/** Throws `USAGE`, also for a flag that would have no effect. */
function placeOf(options: NodeAgentOptions): Place {
  const { config, nodeName, podName, podUid } = options;
  if ((podName === undefined) !== (podUid === undefined))
    throw new LarderError('USAGE', '--pod-name and --pod-uid must be given together');
  if (nodeName !== undefined && config === undefined)
    return {
      node: nodeName,
      owner: podName === undefined || podUid === undefined ? undefined : { name: podName, uid: podUid },
    };
  if (config === undefined || nodeName !== undefined)
    throw new LarderError('USAGE', 'either --config or --node-name is needed, or --uninstall');
  for (const [key, flag] of Object.entries(ONLY_IN_CLUSTER))
    if (key in options) throw new LarderError('USAGE', `${flag} needs --node-name instead of --config`);
  return { file: config };
}

const ONLY_IN_CLUSTER = {
  namespace: '--namespace',
  podName: '--pod-name',
  kubeconfig: '--kubeconfig',
  context: '--context',
  state: '--state',
} as const satisfies Partial<Record<keyof NodeAgentOptions, string>>;

async function tiesOf(
  place: Place,
  options: NodeAgentOptions,
  io: CommandIo,
  logger: Logger,
  cleanup: AsyncDisposableStack,
): Promise<Pick<NodeAgentDeps, 'source' | 'reporter'>> {
  const clock = systemClock;
  if ('file' in place) {
    const { createFileSource } = await import('../node-agent/document/file-source.ts');
    return { source: createFileSource(place.file, clock, logger) };
  }
  const stopped = new AbortController();
  cleanup.defer(() => stopped.abort());
  const connection = await kubeConnectionOf(options, io, { clock, logger, signal: stopped.signal });
  const { createClusterTies } = await import('../node-agent/cluster-ties.ts');
  const ties = createClusterTies(
    { connection, clock, logger, random: Math.random },
    { ...place, stateDirectory: options.state, userAgent: `larder/${io.version} (node-agent)` },
  );
  cleanup.defer(() => ties.close());
  return ties;
}

async function uninstall(directory: string, io: CommandIo): Promise<number> {
  const { uninstallNodeAgent } = await import('../node-agent/program.ts');
  const left = await uninstallNodeAgent(directory, systemClock);
  for (const { message } of left) io.err(`larder: ${message}\n`);
  return left.length === 0 ? EXIT.done : EXIT.failed;
}
