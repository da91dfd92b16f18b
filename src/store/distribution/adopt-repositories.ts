import type { Dirent } from 'node:fs';
import { isDigest } from '../../oci/digest.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from '../../oci/reference.ts';
import type { SweepDeps } from './adopt-blobs.ts';
import { LINK_KINDS, type LinkKind } from './distribution-layout.ts';
import { entriesOf } from '../files/entries.ts';
import { repositoryPaths } from './repository-paths.ts';
import { inSlices, type Slices } from './slices.ts';

/** Enters the links and tags of every repository into the index. Links to content that is gone do not count. */
export async function adoptRepositories(
  { distribution, index, catalog, unadopted, progress }: SweepDeps,
  slices: Slices,
): Promise<void> {
  const { upstream } = unadopted;
  for await (const path of repositoryPaths(distribution, slices.signal, (error) => progress.fail(error))) {
    const repository = parsed(parseRepositoryName, path);
    if (repository !== undefined) await adoptRepository(repository);
  }

  async function adoptRepository(repository: RepositoryName): Promise<void> {
    progress.repositories += 1;
    for (const kind of LINK_KINDS) {
      for (const algorithm of ['sha256', 'sha512']) await adoptLinks(repository, kind, algorithm);
    }
    await eachPage(distribution.tags(repository), async (page) => {
      const tags = page.map(({ name }) => parsed(parseTag, name)).filter((tag) => tag !== undefined);
      await enter(tags, (tag) => {
        if (unadopted.takeTag({ upstream, repository }, tag)) progress.tags += 1;
      });
    });
  }

  async function adoptLinks(repository: RepositoryName, kind: LinkKind, algorithm: string): Promise<void> {
    const folder = `${distribution.links(repository, kind)}/${algorithm}`;
    await eachPage(folder, async (page) => {
      const digests = page.map(({ name }) => `${algorithm}:${name}`).filter((text) => isDigest(text));
      await enter(digests, (digest) => {
        // Finds the link, and enters it.
        if (catalog.presence(digest, { upstream, repository }) === 'linked') progress.links += 1;
      });
    });
  }

  /** Hands the entries of a folder to `work` in pages. A folder that cannot be read is a failure of this pass. */
  async function eachPage(folder: string, work: (page: Dirent[]) => Promise<void>): Promise<void> {
    try {
      for await (const page of entriesOf(folder, slices.signal)) await work(page);
    } catch (error) {
      slices.signal.throwIfAborted();
      progress.fail(error);
    }
  }

  /** Writes into the index what `work` does for each item. */
  async function enter<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
    await inSlices(slices, items, (slice) => {
      let count = 0;
      const failuresBefore = unadopted.failures;
      const isWritten = index.transaction(() => {
        for (const item of slice) {
          work(item);
          count += 1;
        }
      });
      progress.fail(undefined, isWritten ? unadopted.failures - failuresBefore : count);
      progress.report();
    });
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
