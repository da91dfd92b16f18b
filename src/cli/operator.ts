import { hostname } from 'node:os';
import { InvalidArgumentError, Command, Option } from 'commander';
import { keepAlive, systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Address } from '../kit/listen.ts';
import { createLogger, type Logger, type LogLevel } from '../kit/logger.ts';
import type { OperatorDeps, RunningOperator } from '../operator/program.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import { kubeConnectionOf } from './kube-connection.ts';
import { contextOption, kubeconfigOption, namespaceOption, type KubeOptions } from './kube-options.ts';
import { nextSignal } from './next-signal.ts';
import { logFormatOption, logLevelOption, option, parseAddress, parseLabels } from './options.ts';

interface OperatorOptions extends KubeOptions {
  image?: string;
  imagePullSecret: readonly string[];
  nodeAgent: string;
  relayPort: number;
  cacheServiceAccount: string;
  cachePodLabels: Readonly<Record<string, string>>;
  serviceMonitorLabels: Readonly<Record<string, string>>;
  priorityClass?: string;
  claimRetention: 'Delete' | 'Retain';
  identity: string;
  adminAddress: Address;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  uninstall?: boolean;
  deployment: string;
}

/** `larder operator`: caches and nodes as the objects of a cluster ask for them. Runs until SIGINT or SIGTERM, then exits with 0. */
export function operatorCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('operator')
        .description('Run the caches that RegistryConfig objects of a cluster ask for, and tell its nodes.')
        .addOption(namespaceOption())
        .addOption(option('--image <reference>', 'image of the caches: that of this program'))
        .addOption(
          option('--image-pull-secret <names>', 'Secrets that it is pulled with, separated by commas')
            .argParser((text) => text.split(',').filter((name) => name !== ''))
            .default([], 'none'),
        )
        .addOption(kubeconfigOption())
        .addOption(contextOption())
        .addOption(option('--node-agent <name>', 'DaemonSet of the node agents').default('larder-node-agent'))
        .addOption(
          option('--relay-port <port>', 'port of the relays on the nodes')
            .argParser(parsePort)
            .default(5010, '5010'),
        )
        .addOption(
          option('--cache-service-account <name>', 'ServiceAccount of the caches').default('default'),
        )
        .addOption(
          option(
            '--cache-pod-labels <labels>',
            'further labels of their Pods: name=value, separated by commas',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(
          option(
            '--service-monitor-labels <labels>',
            'labels by which a Prometheus finds the ServiceMonitors of the caches',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(option('--priority-class <name>', 'priority class of the caches (default: none)'))
        .addOption(
          option('--claim-retention <policy>', 'what becomes of a volume when its cache is removed')
            .argParser((text) => text)
            .choices(['Delete', 'Retain'])
            .default('Delete'),
        )
        .addOption(
          option('--identity <name>', 'of this process alone, in the lease (default: the host name)').default(
            hostname(),
            'the host name',
          ),
        )
        .addOption(
          option('--admin-address <host:port>', '/healthz, /readyz and /metrics')
            .argParser(parseAddress)
            .default(parseAddress('[::]:5001'), '[::]:5001'),
        )
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(new Option('--uninstall', 'take away everything that an operator has made, and exit'))
        .addOption(
          option('--deployment <name>', 'with --uninstall: the operator to end first').default(
            'larder-operator',
          ),
        )
        .action(async (options: OperatorOptions) => done(await operator(options, io))),
  };
}

async function operator(options: OperatorOptions, io: CommandIo): Promise<number> {
  const { image } = options;
  if (image === undefined && options.uninstall !== true)
    throw new LarderError('USAGE', '--image is needed, or --uninstall');
  const logger = createLogger({ level: options.logLevel, format: options.logFormat }, (line) => io.err(line));
  const program = new AbortController();
  const stopping = nextSignal(io);
  const connection = await kubeConnectionOf(options, io, {
    clock: systemClock,
    logger,
    signal: program.signal,
  });
  const deps = { connection, clock: systemClock, logger, random: Math.random };
  const { namespace } = connection;
  try {
    if (image === undefined || options.uninstall === true)
      return await uninstall(options, io, deps, namespace, stopping);
    await runUntil(stopping, await start({ ...options, image }, io, deps, namespace), logger);
    return EXIT.done;
  } finally {
    program.abort();
  }
}

async function start(
  options: OperatorOptions & { image: string },
  io: CommandIo,
  deps: OperatorDeps,
  namespace: string,
): Promise<RunningOperator> {
  const { startOperator } = await import('../operator/program.ts');
  const running = await startOperator(deps, {
    namespace,
    image: options.image,
    imagePullSecrets: options.imagePullSecret,
    serviceAccountName: options.cacheServiceAccount,
    podLabels: options.cachePodLabels,
    serviceMonitorLabels: options.serviceMonitorLabels,
    nodeAgent: options.nodeAgent,
    relayUrl: `https://127.0.0.1:${options.relayPort}`,
    priorityClassName: options.priorityClass,
    claimRetention: options.claimRetention,
    identity: options.identity,
    adminAddress: options.adminAddress,
    version: io.version,
  });
  deps.logger.info('larder operates', {
    event: 'ready',
    admin: running.adminUrl,
    namespace,
    server: deps.connection.server,
  });
  return running;
}

/** The work has no end of its own: what ends it is a signal, or the loss of the lease. */
async function runUntil(stopping: Promise<string>, running: RunningOperator, logger: Logger): Promise<void> {
  try {
    const name = await Promise.race([stopping, running.ended.then(() => 'end')]);
    logger.info('larder stops', { event: 'stopping', signal: name });
  } finally {
    await running.stop();
  }
  logger.info('larder has stopped', { event: 'stopped' });
}

async function uninstall(
  options: OperatorOptions,
  io: CommandIo,
  deps: OperatorDeps,
  namespace: string,
  stopping: Promise<string>,
): Promise<number> {
  using _alive = keepAlive();
  const interrupted = new AbortController();
  void stopping.then(() => interrupted.abort(new LarderError('SHUTTING_DOWN', 'interrupted')));
  const module = await import('../operator/uninstall.ts');
  const { deployment, identity } = options;
  const settings = { namespace, deployment, identity: `${identity}-uninstall`, version: io.version };
  await module.uninstall(deps, settings, interrupted.signal);
  deps.logger.info('everything that larder has made is removed', { event: 'uninstalled', namespace });
  return EXIT.done;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    throw new InvalidArgumentError(`expected a port from 1 to 65535, found "${text}".`);
  return port;
}
