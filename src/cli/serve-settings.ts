import { existsSync } from 'node:fs';
import type { DistributionSource } from '../cache/distribution/distribution-source.ts';
import type { ServeSettings } from '../cache/program.ts';
import { LarderError } from '../kit/errors.ts';
import { formatAddress, type Address } from '../kit/listen.ts';
import type { LogLevel } from '../kit/logger.ts';
import type { CommandIo } from './command.ts';
import { storeDirectory } from './options.ts';

export interface ServeOptions {
  config?: string;
  distributionConfig?: string;
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
  handBack?: boolean;
  inContainer?: boolean;
  logLevel: LogLevel;
  logFormat: 'json' | 'text';
  printConfig?: boolean;
}

/** The options of a command line, and where each came from: `cli`, `env` or `default`. */
export interface GivenOptions {
  readonly options: ServeOptions;
  readonly sourceOf: (name: keyof ServeOptions) => string | undefined;
}

/** Options that a configuration of the Distribution project may set. */
type SharedOptions = Pick<ServeOptions, 'address' | 'adminAddress' | 'store'>;

/** Defaults with `--in-container`, with which the image starts (decision 0018). */
export const CONTAINER_DEFAULTS: SharedOptions = {
  store: '/var/lib/larder',
  address: { host: '::', port: 5000 },
  adminAddress: { host: '::', port: 5001 },
};

/** The file that images of the Distribution project read, and the Gardener extension mounts. */
export const MOUNTED_CONFIG = '/etc/distribution/config.yml';

/**
 * Settles the settings: the command line goes before a configuration of the Distribution project, and that before environment and
 * defaults. `service` is a field of every log line. Throws `USAGE` and `CONFIG_INVALID`.
 */
export async function serveSettings(
  given: GivenOptions,
  io: CommandIo,
): Promise<{ settings: ServeSettings; service: string | undefined }> {
  const { options } = given;
  checkUsage(options);
  const source = await distributionSource(options);
  if (source !== undefined && options.defaultUpstream !== undefined)
    throw new LarderError('USAGE', '--default-upstream has no meaning with --distribution-config', {
      hint: 'every request goes to the upstream of that file: leave the flag and LARDER_DEFAULT_UPSTREAM out',
    });
  const file = source?.settings;
  const pick = picker(given);
  const tlsFiles =
    options.tlsCert === undefined || options.tlsKey === undefined
      ? undefined
      : { cert: options.tlsCert, key: options.tlsKey };
  const { fileSource } = await import('../cache/config-source.ts');
  const settings: ServeSettings = {
    config: source ?? fileSource(options.config),
    secretsDirectory: options.secrets ?? source?.directory,
    address: pick('address', file?.address),
    adminAddress: pick('adminAddress', file?.adminAddress),
    adminTokenFile: options.adminTokenFile,
    storeDirectory: storeDirectory(pick('store', file?.storeDirectory)),
    maxBytes: options.maxSize,
    scrubBytesPerSecond: options.scrubRate,
    tlsFiles: given.sourceOf('tlsCert') === 'cli' ? tlsFiles : (file?.tlsFiles ?? tlsFiles),
    defaultUpstream: options.defaultUpstream,
    externalUrl: options.externalUrl,
    distribution: file,
    handBack:
      given.sourceOf('handBack') !== 'cli' && source?.handBack === true ? true : (options.handBack ?? false),
    version: io.version,
    environment: io.environment,
  };
  return { settings, service: file?.service };
}

function checkUsage({ config, distributionConfig, tlsCert, tlsKey }: ServeOptions): void {
  if (config !== undefined && distributionConfig !== undefined)
    throw new LarderError('USAGE', 'either --config or --distribution-config is needed, not both', {
      hint: 'what a configuration of Distribution cannot say goes into larder.yaml beside it',
    });
  if ((tlsCert === undefined) === (tlsKey === undefined)) return;
  const [present, missing] = tlsKey === undefined ? ['--tls-cert', '--tls-key'] : ['--tls-key', '--tls-cert'];
  throw new LarderError('USAGE', `${present} needs ${missing} beside it`);
}

/** Opens the configuration of Distribution, if there is one. In a container the image's usual place counts, unless `--config` is given. */
async function distributionSource({
  config,
  distributionConfig,
  inContainer,
}: ServeOptions): Promise<DistributionSource | undefined> {
  const isThere = inContainer === true && config === undefined && existsSync(MOUNTED_CONFIG);
  const file = distributionConfig ?? (isThere ? MOUNTED_CONFIG : undefined);
  if (file === undefined) return undefined;
  const { openDistributionSource } = await import('../cache/distribution/distribution-source.ts');
  return openDistributionSource(file);
}

/** Picks the value of an option that a file, a container or commander may have a value for. */
function picker({ options, sourceOf }: GivenOptions) {
  return function pick<Name extends keyof SharedOptions>(
    name: Name,
    inFile: SharedOptions[Name] | undefined,
  ): SharedOptions[Name] {
    const source = sourceOf(name);
    if (source === 'cli') return options[name];
    if (inFile !== undefined) return inFile;
    return source === 'default' && options.inContainer === true ? CONTAINER_DEFAULTS[name] : options[name];
  };
}

/** Prints the process settings as comments, so that the output is a valid `--config` file. */
export function settingsText(settings: ServeSettings, options: ServeOptions): string {
  const { config, tlsFiles, distribution } = settings;
  const [file = 'built-in'] = config.files;
  const lines: [string, string | number | undefined][] = [
    [distribution === undefined ? 'config' : 'distribution-config', file],
    ['secrets', settings.secretsDirectory],
    ['address', formatAddress(settings.address)],
    ['admin-address', formatAddress(settings.adminAddress)],
    ['admin-token-file', settings.adminTokenFile],
    ['store', settings.storeDirectory],
    ['max-size', settings.maxBytes ?? '90 % of the file system'],
    ['scrub-rate', settings.scrubBytesPerSecond ?? 'a full store takes a week'],
    ['tls-cert', tlsFiles?.cert],
    ['tls-key', tlsFiles?.key],
    ['default-upstream', settings.defaultUpstream],
    ['external-url', settings.externalUrl?.href],
    ['hand-back', settings.handBack ? 'true' : undefined],
    ['log-level', options.logLevel],
    ['log-format', options.logFormat],
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`# ${name}: ${value}\n`])).join('');
}
