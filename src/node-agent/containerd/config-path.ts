import { tableOf, type ConfigFile, type Table } from './config-file.ts';

/** Registry settings that a group of containerd releases takes from its configuration. */
export interface RegistryReading {
  /** Releases, for people. */
  readonly releases: string;
  /** `config_path`. Empty if unset or set to nothing. */
  readonly configPath: string;
  /** True if the old `registry.mirrors` is set. containerd rejects it beside `config_path`. */
  readonly hasMirrors: boolean;
  /** File in which the setting belongs. */
  readonly path: string;
}

/**
 * Reads the files, in the order of loading, as each release does. Releases silently ignore different things, and nothing on the node shows
 * which one runs. Releases for which a file's version is too new are left out, because they do not start. The exception is 1.6, which
 * starts and takes the file for version 2; version 3 is never written for 1.6.
 */
export function readingsOf(files: readonly [ConfigFile, ...ConfigFile[]]): RegistryReading[] {
  const version = newestVersion(files);
  return GENERATIONS.filter(({ newest }) => version <= newest).map(({ releases, read, decides }) => {
    const registry = read(files);
    return {
      releases,
      configPath: typeof registry['config_path'] === 'string' ? registry['config_path'] : '',
      hasMirrors: Object.keys(tableOf(registry['mirrors']) ?? {}).length > 0,
      path: (files.findLast(decides) ?? files[0]).path,
    };
  });
}

/** Place of the setting for every release that takes these files: name of the plugin and version of the file. */
export function placeOf(files: readonly ConfigFile[]): { plugin: string; version: number } {
  const version = Math.max(2, newestVersion(files));
  return { plugin: version < 3 ? OLD : NEW, version };
}

/** The plugin that pulls for Kubernetes: in files of version 1, of version 2, from version 3 on. */
const SHORT = 'cri';
const OLD = 'io.containerd.grpc.v1.cri';
const NEW = 'io.containerd.cri.v1.images';

const GENERATIONS = [
  { releases: '1.6 and 1.7', newest: 2, read: readBySection, decides: hasPlugin },
  { releases: '2.0 to 2.2', newest: 3, read: readByLastVersion, decides: hasRegistry },
  { releases: '2.3 and later', newest: Infinity, read: readFileByFile, decides: hasRegistry },
] as const;

/** 1.6 and 1.7: a plugin's section in a later file replaces the whole earlier one. Plugin names of other versions are ignored. */
function readBySection(files: readonly ConfigFile[]): Table {
  const version = files.findLast((file) => file.version > 0)?.version ?? 1;
  const name = version === 1 ? SHORT : OLD;
  return registryOf(files.findLast(({ plugins }) => name in plugins)?.plugins, name) ?? {};
}

/**
 * 2.0 to 2.2: sections are merged. The last file with version 2 or more decides whether the old name overrides the new one. Without such a
 * file the result counts as version 3, and the old name is ignored.
 */
function readByLastVersion(files: readonly ConfigFile[]): Table {
  const plugins = files.map(withLongName);
  const version = files.findLast((file) => file.version > 1)?.version ?? 3;
  const old = version < 3 ? merged(plugins.map((each) => registryOf(each, OLD))) : undefined;
  return old ?? merged(plugins.map((each) => registryOf(each, NEW))) ?? {};
}

/** From 2.3 on: sections are merged, but each file follows its own version, and only version 4 ignores the old name. */
function readFileByFile(files: readonly ConfigFile[]): Table {
  const registries = files.map((file) => {
    const plugins = withLongName(file);
    const old = file.version < 4 ? registryOf(plugins, OLD) : undefined;
    return old ?? registryOf(plugins, NEW);
  });
  return merged(registries) ?? {};
}

function merged(tables: readonly (Table | undefined)[]): Table | undefined {
  const found = tables.filter((table) => table !== undefined);
  if (found.length === 0) return undefined;
  return Object.assign({}, ...found) as Table;
}

function withLongName({ version, plugins }: ConfigFile): Table {
  return version < 2 && SHORT in plugins ? { ...plugins, [OLD]: plugins[SHORT] } : plugins;
}

function registryOf(plugins: Table | undefined, name: string): Table | undefined {
  return tableOf(tableOf(plugins?.[name])?.['registry']);
}

function hasPlugin({ plugins }: ConfigFile): boolean {
  return SHORT in plugins || OLD in plugins;
}

function hasRegistry({ plugins }: ConfigFile): boolean {
  return [SHORT, OLD, NEW].some((name) => registryOf(plugins, name) !== undefined);
}

function newestVersion(files: readonly ConfigFile[]): number {
  return Math.max(...files.map(({ version }) => version));
}
