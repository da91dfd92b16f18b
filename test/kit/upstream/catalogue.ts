/** The upstream's content: repositories with tags, manifests, blobs and the users who may read them. */
import type { TestBlob } from '../blob.ts';
import type { TestImage } from '../image.ts';

/** The readers: everyone for `public`, otherwise the named users only. */
export type Access = 'public' | { readonly readers: readonly string[] };

export interface Repository {
  readonly name: string;
  access: Access;
  readonly tags: Map<string, string>;
  readonly manifests: Map<string, TestImage>;
  readonly blobs: Map<string, TestBlob>;
}

export interface Catalogue {
  repository(name: string): Repository | undefined;
  /**
   * Adds an image with all it refers to, or a lone blob, and points the tags at it. Creates a missing repository as a public one.
   * Returns the content's digest.
   */
  push(repository: string, content: TestImage | TestBlob, ...tags: string[]): string;
  /** Points a tag at a manifest that is there. */
  tag(repository: string, tag: string, target: TestImage | string): void;
  /** Removes a tag, or a manifest or blob by digest; without reference the whole repository. */
  delete(repository: string, reference?: string): void;
  setAccess(repository: string, access: Access): void;
  /** True if `user` may read the repository; undefined is an anonymous reader. */
  mayRead(user: string | undefined, repository: string): boolean;
}

/** An empty {@link Catalogue}. `unknown` are the readers who learn that a repository does not exist: those who could read it. */
export function createCatalogue(unknown: Access = 'public'): Catalogue {
  const repositories = new Map<string, Repository>();

  function open(name: string): Repository {
    let repository = repositories.get(name);
    if (!repository) {
      repository = { name, access: 'public', tags: new Map(), manifests: new Map(), blobs: new Map() };
      repositories.set(name, repository);
    }
    return repository;
  }

  return {
    repository: (name) => repositories.get(name),
    push(name, content, ...tags) {
      const repository = open(name);
      if ('mediaType' in content) addImage(repository, content);
      else repository.blobs.set(content.digest, content);
      for (const tag of tags) repository.tags.set(tag, content.digest);
      return content.digest;
    },
    tag(name, tag, target) {
      const digest = typeof target === 'string' ? target : target.digest;
      const repository = open(name);
      if (!repository.manifests.has(digest))
        throw new Error(`${name} has no manifest ${digest} to tag as ${tag}`);
      repository.tags.set(tag, digest);
    },
    delete(name, reference) {
      if (reference === undefined) {
        repositories.delete(name);
        return;
      }
      const repository = open(name);
      repository.tags.delete(reference);
      repository.manifests.delete(reference);
      repository.blobs.delete(reference);
    },
    setAccess(name, access) {
      open(name).access = access;
    },
    mayRead(user, name) {
      const access = repositories.get(name)?.access ?? unknown;
      return access === 'public' || (user !== undefined && access.readers.includes(user));
    },
  };
}

function addImage(repository: Repository, image: TestImage): void {
  for (const child of image.children) addImage(repository, child);
  for (const blob of image.blobs) repository.blobs.set(blob.digest, blob);
  repository.manifests.set(image.digest, image);
}
