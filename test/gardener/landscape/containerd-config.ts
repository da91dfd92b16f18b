import { parse, stringify, type TomlTable } from 'smol-toml';

/** Table of the registries in the plugins of each version of the configuration. */
const TABLES: Readonly<Record<number, readonly string[]>> = {
  1: ['io.containerd.grpc.v1.cri', 'registry'],
  2: ['io.containerd.grpc.v1.cri', 'registry'],
  3: ['io.containerd.cri.v1.images', 'registry'],
  4: ['io.containerd.cri.v1.images', 'registry'],
};
const IMPORTS = '/etc/containerd/conf.d/*.toml';

/**
 * Returns the configuration of containerd, TOML, as Gardener's node agent leaves it (gardener v1.149.3, `containerd_config.go`): with the
 * directory of `hosts.toml` files at the place of its version, and with imports. All else stays. Throws an `Error` for another version.
 */
export function gardenerContainerdConfig(text: string): string {
  const config = parse(text);
  const version = Number(config['version'] ?? 1);
  const path = TABLES[version];
  if (path === undefined) throw new Error(`no such version of containerd's configuration: ${version}`);
  const table = ['plugins', ...path].reduce<TomlTable>(
    (parent, key) => (parent[key] ??= {}) as TomlTable,
    config,
  );
  table['config_path'] = '/etc/containerd/certs.d';
  const imports = (config['imports'] ?? []) as string[];
  config['imports'] = imports.includes(IMPORTS) ? imports : [...imports, IMPORTS];
  return stringify(config);
}
