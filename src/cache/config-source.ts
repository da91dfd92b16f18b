import type { RegistryConfig } from '../api/registry-config/effective.ts';
import type { Logger } from '../kit/logger.ts';
import type { SecretFiles } from '../upstream/credentials/secret-files.ts';
import { loadConfig } from './config-file.ts';

/** Source of a cache's configuration. */
export interface ConfigSource {
  /** The files to watch. */
  readonly files: readonly string[];
  /** Reads the files, and logs what they say beside the configuration. Throws `CONFIG_INVALID`. */
  load(logger: Logger): Promise<RegistryConfig>;
  /**
   * URL of the upstream that a Distribution registry with these files asks without a login. Everything that it has stored was open to
   * everyone there.
   */
  readonly askedAnonymously?: string | undefined;
  /** Adds the secrets in these files to those in the directory of secrets. Undefined for files without any. */
  readonly withOwnSecrets?: (directory: SecretFiles | undefined) => SecretFiles;
}

/** A `RegistryConfig` in `file`, or the built-in list of public registries without one. */
export function fileSource(file: string | undefined): ConfigSource {
  return { files: file === undefined ? [] : [file], load: () => loadConfig(file) };
}
