import { Command, Option } from 'commander';
import { systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Address } from '../kit/listen.ts';
import { createLogger, type LogLevel } from '../kit/logger.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import { nextSignal } from './next-signal.ts';
import { logFormatOption, logLevelOption, option, parseLoopback } from './options.ts';

interface NodeAgentOptions {
  config?: string;
  address: Address;
  certsDir: string;
  configPath?: string;
  containerdConfig: string;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  uninstall?: boolean;
}

/** `larder node-agent`: the relay of a node, and the owner of its hosts.toml files. Runs until SIGINT or SIGTERM, then exits with 0. */
export function nodeAgentCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('node-agent')
        .description('Point the containerd of this node at the caches of its cluster.')
        .addOption(option('--config <file>', 'what this node should do, JSON, re-read when it changes'))
        .addOption(
          option('--address <host:port>', 'where containerd finds the relay; a loopback address')
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
            'the same, as containerd sees it (default: the value of --certs-dir)',
          ),
        )
        .addOption(
          option('--containerd-config <file>', 'configuration of containerd, only read').default(
            '/etc/containerd/config.toml',
          ),
        )
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(new Option('--uninstall', 'take away everything that an agent has written, and exit'))
        .action(async (options: NodeAgentOptions) => done(await nodeAgent(options, io))),
  };
}

async function nodeAgent(options: NodeAgentOptions, io: CommandIo): Promise<number> {
  if (options.uninstall === true) return uninstall(options.certsDir, io);
  if (options.config === undefined) throw new LarderError('USAGE', '--config is needed, or --uninstall');
  const logger = createLogger({ level: options.logLevel, format: options.logFormat }, (line) => io.err(line));
  const stopping = nextSignal(io);
  const { createFileSource } = await import('../node-agent/document-source.ts');
  const { startNodeAgent } = await import('../node-agent/program.ts');
  const agent = await startNodeAgent(
    {
      address: options.address,
      certsDirectory: options.certsDir,
      configPath: options.configPath ?? options.certsDir,
      containerdConfig: options.containerdConfig,
    },
    createFileSource(options.config, systemClock, logger),
    systemClock,
    logger,
  );
  logger.info('larder relays', { event: 'ready', relay: agent.relayUrl, revision: agent.status().revision });
  const name = await stopping;
  logger.info('larder stops', { event: 'stopping', signal: name });
  await agent.stop();
  logger.info('larder has stopped', { event: 'stopped' });
  return EXIT.done;
}

async function uninstall(directory: string, io: CommandIo): Promise<number> {
  const { uninstallNodeAgent } = await import('../node-agent/program.ts');
  const left = await uninstallNodeAgent(directory);
  for (const { message } of left) io.err(`larder: ${message}\n`);
  return left.length === 0 ? EXIT.done : EXIT.failed;
}
