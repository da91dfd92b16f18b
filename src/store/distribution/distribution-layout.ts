import { join } from 'node:path';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';

/**
 * Paths of a registry of the Distribution project below the store's directory, the same in 2.8 and 3.1 (`registry/storage/paths.go`). A
 * `link` is a file whose text is a digest.
 */
export interface DistributionLayout {
  /** `docker`: holds everything but {@link DistributionLayout.schedulerState}. */
  readonly top: string;
  /** Larder's own: an adopted `docker` folder, whose small files are being removed. */
  readonly adopted: string;
  /** `docker/registry/v2`. */
  readonly root: string;
  /** `docker/registry/v2/blobs`, with folders `<algorithm>/<first two>/<hex>`. */
  readonly blobs: string;
  /** `docker/registry/v2/repositories`, with a folder for each segment of a name. */
  readonly repositories: string;
  /** When content expires (proxy mode). Distribution starts without it, and then keeps the content that is there for ever. */
  readonly schedulerState: string;
  /** The file of a body. */
  blob(digest: Digest): string;
  repository(repository: RepositoryName): string;
  /** Folder of one kind of links, with folders `<algorithm>/<hex>`. */
  links(repository: RepositoryName, kind: LinkKind): string;
  /** Makes content readable in the repository. */
  link(repository: RepositoryName, kind: LinkKind, digest: Digest): string;
  /** Folder with one folder for each tag. */
  tags(repository: RepositoryName): string;
  /** Names the manifest that the tag points to. */
  tagLink(repository: RepositoryName, tag: Tag): string;
  /** Lists a manifest that the tag points to, or pointed to earlier. */
  tagIndexLink(repository: RepositoryName, tag: Tag, digest: Digest): string;
}

/** Blobs, and manifests. */
export const LINK_KINDS = ['_layers', '_manifests/revisions'] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

/** Name of the file that is a link. */
export const LINK = 'link';

/** Name of the file with the bytes of a blob. */
export const DATA = 'data';

/** Paths of a Distribution registry in `directory`. Touches nothing on disk. */
export function distributionLayoutOf(directory: string): DistributionLayout {
  const top = join(directory, 'docker');
  const root = join(top, 'registry', 'v2');
  const blobs = join(root, 'blobs');
  const repositories = join(root, 'repositories');
  const hashed = (digest: Digest) => `${digestAlgorithm(digest)}/${digestHex(digest)}`;
  const links = (repository: RepositoryName, kind: LinkKind) => `${repositories}/${repository}/${kind}`;
  const tags = (repository: RepositoryName) => `${repositories}/${repository}/_manifests/tags`;
  return {
    top,
    adopted: join(directory, 'docker.adopted'),
    root,
    blobs,
    repositories,
    schedulerState: join(directory, 'scheduler-state.json'),
    blob(digest) {
      const hex = digestHex(digest);
      return `${blobs}/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}/${DATA}`;
    },
    repository: (repository) => `${repositories}/${repository}`,
    links,
    link: (repository, kind, digest) => `${links(repository, kind)}/${hashed(digest)}/${LINK}`,
    tags,
    tagLink: (repository, tag) => `${tags(repository)}/${tag}/current/${LINK}`,
    tagIndexLink: (repository, tag, digest) => `${tags(repository)}/${tag}/index/${hashed(digest)}/${LINK}`,
  };
}
