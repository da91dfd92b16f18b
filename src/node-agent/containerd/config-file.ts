import { parse } from 'smol-toml';

/** The parts of one configuration file of containerd that decide about hosts.toml files. */
export interface ConfigFile {
  readonly path: string;
  /** 0 if the file names none. */
  readonly version: number;
  readonly plugins: Table;
  /** Files whose settings override this one, in order. Names may contain `*`. */
  readonly imports: readonly string[];
}

export type Table = Readonly<Record<string, unknown>>;

/** Throws the errors of the TOML parser. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const { version, plugins, imports } = parse(text);
  return {
    path,
    version: typeof version === 'number' ? version : 0,
    plugins: tableOf(plugins) ?? {},
    imports: Array.isArray(imports) ? imports.filter((entry) => typeof entry === 'string') : [],
  };
}

/** The value if it is a table. */
export function tableOf(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
}
