import { parse } from 'smol-toml';

/** One configuration file of containerd, as far as it says where hosts.toml files are. */
export interface ConfigFile {
  readonly path: string;
  /** 0 when it says none. */
  readonly version: number;
  readonly plugins: Table;
  /** Other files whose settings come over these, in order; names may have `*`. */
  readonly imports: readonly string[];
}

export type Table = Readonly<Record<string, unknown>>;

/** Throws what the TOML parser throws. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const { version, plugins, imports } = parse(text);
  return {
    path,
    version: typeof version === 'number' ? version : 0,
    plugins: tableOf(plugins) ?? {},
    imports: Array.isArray(imports) ? imports.filter((entry) => typeof entry === 'string') : [],
  };
}

/** The value as a table; undefined when it is none. */
export function tableOf(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
}
