/** A file for nodes. */
export interface NodeFile {
  readonly path: string;
  /** In base64. */
  readonly content: string;
}

/** Places at which containerd looks for the images of an upstream, in the form of the OperatingSystemConfig. */
export interface NodeRegistry {
  readonly upstream: string;
  /** URL of the upstream, which comes after all hosts. */
  readonly server: string;
  /** In the order in which nodes try them. */
  readonly hosts?: readonly NodeHost[];
  /** True: nodes use the hosts only once one has answered. */
  readonly readinessProbe?: boolean;
}

export interface NodeHost {
  readonly url: string;
  readonly capabilities?: readonly string[];
  /** Paths of files with the certificates to trust. */
  readonly caCerts?: readonly string[];
  readonly overridePath?: boolean;
}

/** What a webhook wants on the nodes of a shoot. */
export interface NodeChange {
  readonly files: readonly NodeFile[];
  readonly registries: readonly NodeRegistry[];
}

/** Fields that are changed. Everything else stays as it is, known or not. */
interface RawOsConfig {
  readonly spec: {
    readonly files?: RawList<'path'> | null;
    readonly criConfig?: {
      readonly containerd?: RawContainerd | null;
    } | null;
  };
}

interface RawContainerd {
  readonly sandboxImage?: unknown;
  readonly registries?: RawList<'upstream'> | null;
}

/**
 * Returns an OperatingSystemConfig with the change. It may have been read by `readOsConfig` without an error. A file replaces the first one with its
 * path, a registry the first one with its upstream; others are appended. Nodes without a `criConfig` have no containerd, so that nothing is changed.
 */
export function withChange(osConfig: unknown, { files, registries }: NodeChange): unknown {
  const { spec } = osConfig as RawOsConfig;
  const { criConfig } = spec;
  if (criConfig === undefined || criConfig === null) return osConfig;
  // The field is required, and empty for a containerd that gardenlet says nothing about.
  const containerd: RawContainerd = criConfig.containerd ?? { sandboxImage: '' };
  const allFiles = files.reduce(withFile, spec.files ?? []);
  const allRegistries = registries.reduce(withRegistry, containerd.registries ?? []);
  return {
    ...(osConfig as object),
    spec: {
      ...spec,
      ...(files.length > 0 && { files: allFiles }),
      criConfig: {
        ...criConfig,
        containerd: { ...containerd, ...(registries.length > 0 && { registries: allRegistries }) },
      },
    },
  };
}

type RawList<Key extends string> = readonly ({ readonly [key in Key]?: unknown } | null)[];

function withFile(files: RawList<'path'>, { path, content }: NodeFile): RawList<'path'> {
  const file = { path, permissions: 0o644, content: { inline: { encoding: 'b64', data: content } } };
  return placed(files, file, 'path');
}

function withRegistry(registries: RawList<'upstream'>, registry: NodeRegistry): RawList<'upstream'> {
  return placed(registries, registry, 'upstream');
}

/** Puts the item in the place of the first one with its key. Fields of that one that Gardener does not know stay, and the others go. */
function placed<Key extends string>(
  list: RawList<Key>,
  item: { readonly [key in Key]: unknown },
  key: Key,
): RawList<Key> {
  const index = list.findIndex((one) => (one?.[key] ?? '') === item[key]);
  if (index < 0) return [...list, item];
  const unknown = Object.entries(list[index] ?? {}).filter(([field]) => !KNOWN.includes(field));
  return list.with(index, { ...Object.fromEntries(unknown), ...item });
}

/** Fields of a file and of a registry (gardener v1.147.1, `extensions/v1alpha1`). */
const KNOWN = ['path', 'permissions', 'content', 'hostName', 'upstream', 'server', 'hosts', 'readinessProbe'];
