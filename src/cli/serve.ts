import { Command, Option } from 'commander';
import { systemClock } from '../kit/clock.ts';
import { createLogger, silentLogger } from '../kit/logger.ts';
import { EXIT } from './exit.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { nextSignal } from './signals.ts';
import {
  logFormatOption,
  logLevelOption,
  option,
  parseAddress,
  parseBoolean,
  parseBytes,
  parseExternalUrl,
  parseRate,
  storeOption,
} from './options.ts';
import {
  CONTAINER_DEFAULTS,
  MOUNTED_CONFIG,
  serveSettings,
  settingsText,
  type GivenOptions,
  type ServeOptions,
} from './serve-settings.ts';

/** `larder serve`: runs the cache. Exits with 0 after SIGINT or SIGTERM. */
export function serveCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('serve')
        .description('Run the cache.')
        .addOption(
          option(
            '--config <file>',
            'RegistryConfig document, re-read when it changes (default: the public registries)',
          ),
        )
        .addOption(
          option(
            '--distribution-config <file>',
            'configuration of the Distribution project instead, as gardener-extension-registry-cache writes it',
          ),
        )
        .addOption(
          option(
            '--secrets <dir>',
            'directory of Secrets as <secretReferenceName>/<key>, re-read when it changes',
          ),
        )
        .addOption(
          option('--address <host:port>', 'registry listener; port 0 picks a free one')
            .argParser(parseAddress)
            .default(parseAddress('127.0.0.1:5000'), '127.0.0.1:5000'),
        )
        .addOption(
          option('--admin-address <host:port>', 'admin listener')
            .argParser(parseAddress)
            .default(parseAddress('127.0.0.1:5001'), '127.0.0.1:5001'),
        )
        .addOption(
          option(
            '--admin-token-file <file>',
            'token required for changes through an admin listener that is not on loopback, re-read when it changes',
          ),
        )
        .addOption(storeOption(io))
        .addOption(
          option(
            '--max-size <quantity>',
            'limit of the whole store (default: 90 % of its file system)',
          ).argParser(parseBytes),
        )
        .addOption(
          option(
            '--scrub-rate <quantity>',
            'bytes per second to check stored content with in idle time, 0 turns it off (default: a full store takes a week)',
          ).argParser(parseRate),
        )
        .addOption(
          option(
            '--tls-cert <file>',
            'TLS certificate of the registry listener, PEM, re-read when it changes',
          ),
        )
        .addOption(option('--tls-key <file>', 'private key of that certificate, PEM'))
        .addOption(
          option(
            '--default-upstream <name>',
            'upstream of requests that name none (default: docker.io, or the only one)',
          ),
        )
        .addOption(
          option(
            '--external-url <url>',
            'address at which clients reach the registry listener, for logins (default: that of the request)',
          ).argParser(parseExternalUrl),
        )
        .addOption(
          option(
            '--hand-back [boolean]',
            'give the store back to a registry of the Distribution project, and store nothing',
          )
            .preset('true')
            .argParser(parseBoolean),
        )
        .addOption(
          new Option(
            '--in-container',
            `defaults of the image: store in ${CONTAINER_DEFAULTS.store}, all addresses, and ${MOUNTED_CONFIG} if it exists`,
          ),
        )
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(
          new Option('--print-config', 'print the effective configuration, without secrets, and exit'),
        )
        .action(async (options: ServeOptions, command: Command) =>
          done(await serve({ options, sourceOf: (name) => command.getOptionValueSource(name) }, io)),
        ),
  };
}

async function serve(given: GivenOptions, io: CommandIo): Promise<number> {
  const { options } = given;
  const { settings, service } = await serveSettings(given, io);
  // Programs are loaded on demand: a node agent, which is another command, has little memory.
  if (options.printConfig === true) {
    const { printRegistryConfig } = await import('../api/registry-config/print.ts');
    const config = await settings.config.load(silentLogger);
    io.out(`${settingsText(settings, options)}${printRegistryConfig(config)}`);
    return EXIT.done;
  }
  const base = createLogger({ level: options.logLevel, format: options.logFormat }, (line) => io.err(line));
  const logger = service === undefined ? base : base.with({ service });
  // Handles a signal even while the cache starts. A second signal ends the wait for running responses.
  const stopping = nextSignal(io);
  const { startCache } = await import('../cache/program.ts');
  const cache = await startCache(settings, systemClock, logger);
  logger.info('cache ready', { event: 'ready', registry: cache.registryUrl, admin: cache.adminUrl });
  const name = await stopping;
  logger.info('stopping', { event: 'stopping', signal: name });
  await cache.stop();
  logger.info('stopped', { event: 'stopped' });
  return EXIT.done;
}
