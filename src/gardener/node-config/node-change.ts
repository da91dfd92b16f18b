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

/** Files and registries that a webhook adds to the nodes of a shoot. */
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
  const allFiles = placed(spec.files ?? [], files.map(fileOf), 'path');
  const allRegistries = placed(containerd.registries ?? [], registries, 'upstream');
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

function fileOf({ path, content }: NodeFile) {
  return { path, permissions: 0o644, content: { inline: { encoding: 'b64', data: content } } };
}

/**
 * Puts each item in the place of the first one with its key, or at the end. Fields of that one that Gardener does not know stay, and the others
 * go. Takes time linear in the lengths: a shoot may have thousands of mirrors.
 */
function placed<Key extends string>(
  list: RawList<Key>,
  items: readonly { readonly [key in Key]: unknown }[],
  key: Key,
): RawList<Key> {
  const all = [...list];
  const places = new Map<unknown, number>(
    list.map((one, index) => [one?.[key] ?? '', index] as const).toReversed(),
  );
  for (const item of items) {
    const index = places.get(item[key]) ?? all.length;
    const unknown = Object.entries(all[index] ?? {}).filter(([field]) => !KNOWN.includes(field));
    all[index] = { ...Object.fromEntries(unknown), ...item };
    places.set(item[key], index);
  }
  return all;
}

/** Fields of a file and of a registry (gardener v1.147.1, `extensions/v1alpha1`). */
const KNOWN = ['path', 'permissions', 'content', 'hostName', 'upstream', 'server', 'hosts', 'readinessProbe'];
