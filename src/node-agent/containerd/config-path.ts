import { tableOf, type ConfigFile, type Table } from './config-file.ts';

/** What some releases of containerd take from its configuration. */
export interface RegistryReading {
  /** For a person. */
  readonly releases: string;
  /** `config_path`; empty when it is not set, or set to nothing. */
  readonly configPath: string;
  /** The old way, `registry.mirrors`, which containerd does not take beside `config_path`. */
  readonly hasMirrors: boolean;
  /** The file in which the setting has to stand. */
  readonly path: string;
}

/**
 * How each release reads these files, which are in the order of loading; never empty. Releases differ in what they pass over without a word,
 * and nothing here says which one runs. Left out are those to which a version of a file is too new: they do not start with it (1.6 does, and
 * takes it for version 2, but nobody writes version 3 for 1.6).
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

/** Where the setting has to stand for every release that takes these files: the name of the plugin, and the file's version. */
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

/** 1.6 and 1.7: a plugin's section in a later file replaces the whole of an earlier one; of other names than the version's nothing is taken. */
function readBySection(files: readonly ConfigFile[]): Table {
  const version = files.findLast((file) => file.version > 0)?.version ?? 1;
  const name = version === 1 ? SHORT : OLD;
  return registryOf(files.findLast(({ plugins }) => name in plugins)?.plugins, name) ?? {};
}

/**
 * 2.0 to 2.2: sections are merged. The last file that has version 2 or more says whether the old name then replaces the new one; without any
 * the result counts as version 3, and the old name is passed over.
 */
function readByLastVersion(files: readonly ConfigFile[]): Table {
  const plugins = files.map(withLongName);
  const version = files.findLast((file) => file.version > 1)?.version ?? 3;
  const old = version < 3 ? merged(plugins.map((each) => registryOf(each, OLD))) : undefined;
  return old ?? merged(plugins.map((each) => registryOf(each, NEW))) ?? {};
}

/** From 2.3 on: the same, but in each file by its own version, and only version 4 passes over the old name. */
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
