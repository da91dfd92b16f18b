import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAddedConfig, type AddedConfig } from '../../api/distribution-config/added-config.ts';
import { ADDED_FILE } from '../../api/distribution-config/files.ts';
import {
  parseDistributionConfig,
  type DistributionConfig,
  type DistributionSettings,
} from '../../api/distribution-config/parse.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { invalidConfig, loadDocument, readConfigFile } from '../config-file.ts';
import type { ConfigSource } from '../config-source.ts';
import { createOwnLogin } from './own-login.ts';

/** A configuration of the Distribution project, and what Larder adds to it. */
export interface DistributionSource extends ConfigSource {
  /** The settings of the process, as first read. */
  readonly settings: DistributionSettings;
  /** True if {@link ADDED_FILE} says so, as first read: the store goes back to Distribution (decision 0021). */
  readonly handBack: boolean;
  /** Directory of the file, which may have Secrets of {@link ADDED_FILE} as well. */
  readonly directory: string;
}

/** Reads `file` for the first time. Throws `CONFIG_INVALID`. */
export async function openDistributionSource(file: string): Promise<DistributionSource> {
  const directory = dirname(file);
  const added = join(directory, ADDED_FILE);
  const login = createOwnLogin();
  const { settings, login: firstLogin, registryConfig: asFound } = await read();
  const { handBack } = await readAdded();
  let reported = '[]';
  return {
    settings,
    handBack,
    directory,
    files: [file, added],
    askedAnonymously: firstLogin === undefined ? asFound.caches[0]?.remoteURL : undefined,
    withOwnSecrets: (secrets) => login.besides(secrets),
    async load(logger) {
      const config = await read();
      const more = await readAdded();
      login.set(config.login);
      report(config, more, logger);
      return more.registryConfig ?? config.registryConfig;
    },
  };

  async function read(): Promise<DistributionConfig> {
    const result = parseDistributionConfig(await readConfigFile(file));
    if (result.ok) return result.config;
    throw invalidConfig(
      result.problems.map((one) => (one.path === '' ? { ...one, text: `${file}: ${one.text}` } : one)),
    );
  }

  /** Reads the file beside; without one nothing is added. */
  async function readAdded(): Promise<AddedConfig> {
    if (!isThere(added)) return { handBack: false, registryConfig: undefined };
    const config = await loadDocument(added, parseAddedConfig);
    const count = config.registryConfig?.caches.length ?? 1;
    if (count === 1) return config;
    throw new LarderError('CONFIG_INVALID', `${added}: caches: expected exactly one cache, found ${count}`);
  }

  /** Logs keys without meaning once, and changes that need another process each time. */
  function report(
    { unknownKeys, settings: now }: DistributionConfig,
    more: AddedConfig,
    logger: Logger,
  ): void {
    const keys = JSON.stringify(unknownKeys);
    if (keys !== reported && unknownKeys.length > 0)
      logger.warn('Larder has no use for some keys of the configuration of Distribution', {
        event: 'config-unknown-keys',
        file,
        keys: unknownKeys,
      });
    reported = keys;
    if (JSON.stringify(now) !== JSON.stringify(settings) || more.handBack !== handBack)
      logger.warn('changed settings of the process apply after a restart', {
        event: 'config-restart-needed',
        file,
      });
  }
}

/**
 * False only if the directory has no such entry. A link to nothing, or a file that may not be looked at, is one that cannot be read: without
 * it the cache could be open to more clients than it says.
 */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
