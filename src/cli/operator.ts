import { hostname } from 'node:os';
import { InvalidArgumentError, Command, Option } from 'commander';
import { keepAlive, systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Address } from '../kit/listen.ts';
import { createLogger, type LogLevel } from '../kit/logger.ts';
import type { OperatorDeps, RunningOperator } from '../operator/program.ts';
import type { ObjectKey } from '../kube/types.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import {
  contextOption,
  kubeconfigOption,
  kubeConnectionOf,
  namespaceOption,
  type KubeOptions,
} from './kube-connection.ts';
import { runUntil } from './run-until.ts';
import { nextSignal } from './signals.ts';
import {
  logFormatOption,
  logLevelOption,
  option,
  parseAddress,
  parseLabels,
  parseObjectKey,
  parseTime,
  parseTolerations,
} from './options.ts';

interface OperatorOptions extends KubeOptions {
  image?: string;
  imagePullSecret: readonly string[];
  nodeAgent: string;
  relayPort: number;
  cacheServiceAccount: string;
  cachePodLabels: Readonly<Record<string, string>>;
  objectLabels: Readonly<Record<string, string>>;
  cacheTolerations: readonly object[];
  cacheNodeSelector: Readonly<Record<string, string>>;
  authorityNotBefore?: number;
  serviceMonitorLabels: Readonly<Record<string, string>>;
  priorityClass?: string;
  claimRetention: 'Delete' | 'Retain';
  trustedCa?: ObjectKey;
  takenUpstreams?: string;
  report?: string;
  identity: string;
  adminAddress: Address;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  uninstall?: boolean;
  deployment: string;
}

/** `larder operator`: runs caches and configures nodes by the objects of a cluster. Exits with 0 after SIGINT or SIGTERM. */
export function operatorCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('operator')
        .description(
          'Run the caches that the RegistryConfig objects of a cluster ask for, and point its nodes at them.',
        )
        .addOption(namespaceOption())
        .addOption(option('--image <reference>', 'image for cache pods: that of the operator; required'))
        .addOption(
          option('--image-pull-secret <names>', 'Secrets to pull that image with, separated by commas')
            .argParser((text) => text.split(',').filter((name) => name !== ''))
            .default([], 'none'),
        )
        .addOption(kubeconfigOption())
        .addOption(contextOption())
        .addOption(option('--node-agent <name>', 'DaemonSet of the node agents').default('larder-node-agent'))
        .addOption(
          option('--relay-port <port>', 'port of the relay on each node')
            .argParser(parsePort)
            .default(5010, '5010'),
        )
        .addOption(
          option('--cache-service-account <name>', 'ServiceAccount of cache pods').default('default'),
        )
        .addOption(
          option(
            '--cache-pod-labels <labels>',
            'additional labels of cache pods: name=value, separated by commas',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(
          option(
            '--service-monitor-labels <labels>',
            'labels by which Prometheus selects the ServiceMonitors of the caches',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(
          option(
            '--object-labels <labels>',
            'additional labels of everything that the operator creates: name=value, separated by commas',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(
          option('--cache-tolerations <json>', 'tolerations of cache pods, as a JSON list')
            .argParser(parseTolerations)
            .default([], 'none'),
        )
        .addOption(
          option(
            '--cache-node-selector <labels>',
            'labels of the nodes for cache pods: name=value, separated by commas',
          )
            .argParser(parseLabels)
            .default({}, 'none'),
        )
        .addOption(
          option(
            '--authority-not-before <time>',
            'successor for an authority of the caches that is older (RFC 3339)',
          ).argParser(parseTime),
        )
        .addOption(option('--priority-class <name>', 'priority class of cache pods (default: none)'))
        .addOption(
          option('--claim-retention <policy>', 'what happens to a volume when its cache is removed')
            .argParser((text) => text)
            .choices(['Delete', 'Retain'])
            .default('Delete'),
        )
        .addOption(
          option(
            '--trusted-ca <namespace/name>',
            'ConfigMap with CA certificates that all caches trust, which may be missing (default: none)',
          ).argParser(parseObjectKey),
        )
        .addOption(
          option(
            '--taken-upstreams <name>',
            'ConfigMap with upstreams that no object can have, as the Gardener extension writes it (default: none)',
          ),
        )
        .addOption(
          option(
            '--report <name>',
            'ConfigMap to report numbers to, for readers outside of the cluster (default: none)',
          ),
        )
        .addOption(
          option('--identity <name>', 'unique name in the leader lease').default(hostname(), 'the host name'),
        )
        .addOption(
          option('--admin-address <host:port>', 'listener for /healthz, /readyz and /metrics')
            .argParser(parseAddress)
            .default(parseAddress('[::]:5001'), '[::]:5001'),
        )
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(new Option('--uninstall', 'remove everything that an operator has created, and exit'))
        .addOption(
          option('--deployment <name>', 'with --uninstall: Deployment of the operator to stop first').default(
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
    objectLabels: options.objectLabels,
    tolerations: options.cacheTolerations,
    nodeSelector: options.cacheNodeSelector,
    authorityNotBefore: options.authorityNotBefore,
    serviceMonitorLabels: options.serviceMonitorLabels,
    nodeAgent: options.nodeAgent,
    relayUrl: `https://127.0.0.1:${options.relayPort}`,
    priorityClassName: options.priorityClass,
    claimRetention: options.claimRetention,
    trustedCa: options.trustedCa,
    takenUpstreams: options.takenUpstreams,
    report: options.report,
    identity: options.identity,
    adminAddress: options.adminAddress,
    version: io.version,
  });
  deps.logger.info('operator started', {
    event: 'ready',
    admin: running.adminUrl,
    namespace,
    server: deps.connection.server,
  });
  return running;
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
  deps.logger.info('everything that the operator created is removed', { event: 'uninstalled', namespace });
  return EXIT.done;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    throw new InvalidArgumentError(`expected a port from 1 to 65535, found "${text}".`);
  return port;
}
