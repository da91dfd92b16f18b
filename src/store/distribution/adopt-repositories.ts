import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.ts';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { SweepDeps } from './adopt-blobs.ts';
import { LINK_KINDS, type LinkKind } from './distribution-layout.ts';
import { namesIn, removedFile, removedFolder, removeTree } from './entries.ts';
import { inSlices, type Slices } from './slices.ts';

/**
 * Enters the links and tags of every repository into the index, and removes their files. Each file goes after its row is written. A link to
 * content that is gone is dropped.
 */
export async function adoptRepositories(deps: SweepDeps, slices: Slices): Promise<void> {
  const { distribution, index, catalog, unadopted, progress } = deps;
  const { upstream } = unadopted;
  await adoptBelow(distribution.repositories, '');

  /** Each folder that has folders of the registry's own, whose names begin with `_`, is a repository. */
  async function adoptBelow(folder: string, path: string): Promise<void> {
    let isRepository = false;
    for await (const names of namesIn(folder, slices)) {
      for (const name of names) {
        if (name.startsWith('_')) isRepository = true;
        else await adoptBelow(`${folder}/${name}`, path === '' ? name : `${path}/${name}`);
      }
    }
    const repository = isRepository ? parsed(parseRepositoryName, path) : undefined;
    if (repository !== undefined) {
      progress.repositories += 1;
      await adoptRepository(repository);
    }
    if (path !== '') removedFolder(folder);
  }

  async function adoptRepository(repository: RepositoryName): Promise<void> {
    for (const kind of LINK_KINDS) await adoptLinks(repository, kind);
    await adoptTags(repository);
    const folder = distribution.repository(repository);
    await removeTree(`${folder}/_uploads`, slices);
    for (const empty of ['_layers', '_manifests/revisions', '_manifests/tags', '_manifests'])
      removedFolder(`${folder}/${empty}`);
  }

  async function adoptLinks(repository: RepositoryName, kind: LinkKind): Promise<void> {
    const folder = distribution.links(repository, kind);
    for (const algorithm of ['sha256', 'sha512']) {
      for await (const names of namesIn(`${folder}/${algorithm}`, slices)) {
        const digests = names.map((hex) => `${algorithm}:${hex}`).filter((text) => isDigest(text));
        await inSlices(slices, digests, (slice) => adoptSlice(repository, kind, slice));
      }
      removedFolder(`${folder}/${algorithm}`);
    }
  }

  function adoptSlice(repository: RepositoryName, kind: LinkKind, slice: Iterable<Digest>): void {
    const done: Digest[] = [];
    const isWritten = index.transaction(() => {
      for (const digest of slice) {
        // Finds the link, and enters it.
        catalog.presence(digest, { upstream, repository });
        done.push(digest);
      }
    });
    progress.report();
    if (!isWritten) {
      progress.failed += done.length;
      return;
    }
    for (const digest of done) {
      const link = distribution.link(repository, kind, digest);
      if (existsSync(link)) progress.links += 1;
      if (!removedFile(link)) progress.failed += 1;
      removedFolder(dirname(link));
    }
  }

  async function adoptTags(repository: RepositoryName): Promise<void> {
    const repositoryId = { upstream, repository };
    for await (const names of namesIn(distribution.tags(repository), slices)) {
      const tags = names.map((name) => parsed(parseTag, name)).filter((tag) => tag !== undefined);
      const done: Tag[] = [];
      await inSlices(slices, tags, (slice) => {
        const taken: Tag[] = [];
        const isWritten = index.transaction(() => {
          for (const tag of slice) {
            if (unadopted.takeTag(repositoryId, tag)) progress.tags += 1;
            taken.push(tag);
          }
        });
        if (isWritten) done.push(...taken);
        else progress.failed += taken.length;
      });
      for (const tag of done) {
        await removeTree(`${distribution.tags(repository)}/${tag}`, slices);
        if (existsSync(distribution.tagLink(repository, tag))) progress.failed += 1;
      }
    }
  }
}

/** Undefined for a name that no client can request. */
function parsed<T>(parse: (text: string) => T, text: string): T | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
