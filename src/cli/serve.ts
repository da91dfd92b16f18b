import { Command, Option } from 'commander';
import type { ServeSettings } from '../cache/program.ts';
import { systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { formatAddress, type Address } from '../kit/listen.ts';
import { createLogger, type LogLevel } from '../kit/logger.ts';
import { EXIT } from './exit.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { nextSignal } from './signals.ts';
import {
  logFormatOption,
  logLevelOption,
  option,
  parseAddress,
  parseBytes,
  parseExternalUrl,
  parseRate,
  storeDirectory,
  storeOption,
} from './options.ts';

interface ServeOptions {
  config?: string;
  secrets?: string;
  address: Address;
  adminAddress: Address;
  adminTokenFile?: string;
  store: string;
  maxSize?: number;
  scrubRate?: number;
  tlsCert?: string;
  tlsKey?: string;
  defaultUpstream?: string;
  externalUrl?: URL;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  printConfig?: boolean;
}

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
        .addOption(logLevelOption())
        .addOption(logFormatOption(io))
        .addOption(
          new Option('--print-config', 'print the effective configuration, without secrets, and exit'),
        )
        .action(async (options: ServeOptions) => done(await serve(options, io))),
  };
}

async function serve(options: ServeOptions, io: CommandIo): Promise<number> {
  const settings = settingsOf(options, io);
  // Programs are loaded on demand: a node agent, which is another command, has little memory.
  if (options.printConfig === true) {
    const { loadConfig } = await import('../cache/config-file.ts');
    const { printRegistryConfig } = await import('../api/registry-config/print.ts');
    io.out(`${settingsText(settings, options)}${printRegistryConfig(await loadConfig(settings.configFile))}`);
    return EXIT.done;
  }
  const logger = createLogger({ level: options.logLevel, format: options.logFormat }, (line) => io.err(line));
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

function settingsOf(options: ServeOptions, io: CommandIo): ServeSettings {
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    const [given, missing] =
      options.tlsKey === undefined ? ['--tls-cert', '--tls-key'] : ['--tls-key', '--tls-cert'];
    throw new LarderError('USAGE', `${given} needs ${missing} beside it`);
  }
  return {
    configFile: options.config,
    secretsDirectory: options.secrets,
    address: options.address,
    adminAddress: options.adminAddress,
    adminTokenFile: options.adminTokenFile,
    storeDirectory: storeDirectory(options.store),
    maxBytes: options.maxSize,
    scrubBytesPerSecond: options.scrubRate,
    tlsFiles:
      options.tlsCert === undefined || options.tlsKey === undefined
        ? undefined
        : { cert: options.tlsCert, key: options.tlsKey },
    defaultUpstream: options.defaultUpstream,
    externalUrl: options.externalUrl,
    version: io.version,
    environment: io.environment,
  };
}

/** Prints the process settings as comments, so that the output is a valid `--config` file. */
function settingsText(settings: ServeSettings, options: ServeOptions): string {
  const lines: [string, string | number | undefined][] = [
    ['config', settings.configFile ?? 'built-in'],
    ['secrets', settings.secretsDirectory],
    ['address', formatAddress(settings.address)],
    ['admin-address', formatAddress(settings.adminAddress)],
    ['admin-token-file', settings.adminTokenFile],
    ['store', settings.storeDirectory],
    ['max-size', settings.maxBytes ?? '90 % of the file system'],
    ['scrub-rate', settings.scrubBytesPerSecond ?? 'a full store takes a week'],
    ['tls-cert', settings.tlsFiles?.cert],
    ['tls-key', settings.tlsFiles?.key],
    ['default-upstream', settings.defaultUpstream],
    ['external-url', settings.externalUrl?.href],
    ['log-level', options.logLevel],
    ['log-format', options.logFormat],
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`# ${name}: ${value}\n`])).join('');
}
