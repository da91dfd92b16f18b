import { parse } from 'smol-toml';

/** What a configuration file of containerd says about where hosts.toml files are. */
export interface RegistrySettings {
  /** `config_path` as it stands there; undefined when it is not set, empty when it is set to nothing. */
  readonly configPath: string | undefined;
  /** The old way, `registry.mirrors`, which containerd does not take beside `config_path`. */
  readonly hasMirrors: boolean;
  /** Other files whose settings come over these, in order; names may have `*`. */
  readonly imports: readonly string[];
}

/** The plugin that pulls for Kubernetes, newest name first: from 2.0, from version 2 of the file, version 1 of the file. */
const PLUGINS = ['io.containerd.cri.v1.images', 'io.containerd.grpc.v1.cri', 'cri'];

/** Reads one file, of version 1 to 3. Throws what the TOML parser throws. */
export function parseContainerdConfig(text: string): RegistrySettings {
  const document = parse(text);
  const plugins = tableAt(document, 'plugins');
  const registries = PLUGINS.map((name) => tableAt(tableAt(plugins, name), 'registry'));
  const paths = registries
    .map((registry) => registry['config_path'])
    .filter((path) => typeof path === 'string');
  return {
    // A set path in one place counts: containerd takes over what stands under an older name.
    configPath: paths.find((path) => path !== '') ?? paths[0],
    hasMirrors: registries.some((registry) => Object.keys(tableAt(registry, 'mirrors')).length > 0),
    imports: list(document['imports']),
  };
}

/** The table under a key; an empty one where there is none. */
function tableAt(table: Table, key: string): Table {
  const value = table[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

type Table = Readonly<Record<string, unknown>>;

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}
