import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { isDigest, type Digest } from '../../oci/digest.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from '../../oci/reference.ts';
import type { Catalog } from './catalog.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { Layout } from '../files/layout.ts';
import { moveSync } from '../files/disk.ts';

export interface AdoptionDeps {
  readonly layout: Layout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly logger: Logger;
}

/**
 * Adopts the content of a Distribution registry in proxy mode from the store's directory, so that a switch to Larder keeps the cache warm.
 * Renames blobs into place, enters links and tags, and removes `docker/`. After a crash on the way the next start goes on. Blobs are
 * hashed when they are first read. There is no way back: Distribution finds an empty directory.
 *
 * `upstream` is the source of all content there. Throws `STORE_ADOPTION_AMBIGUOUS` if it is `'ambiguous'` and there is content to adopt.
 */
export async function adoptDistribution(deps: AdoptionDeps, upstream: string): Promise<void> {
  const { layout, index, catalog, logger } = deps;
  const root = join(layout.directory, 'docker', 'registry', 'v2');
  if (!existsSync(root)) return;
  if (upstream === 'ambiguous') {
    throw new LarderError(
      'STORE_ADOPTION_AMBIGUOUS',
      `store ${layout.directory} holds the content of a Distribution registry, which came from one upstream, but several caches are configured`,
      {
        hint: `start once with only that upstream's cache configured, give this store another directory, or remove ${join(layout.directory, 'docker')}`,
      },
    );
  }
  logger.info('adopting the content of a Distribution registry', { upstream });
  let blobs = 0;
  for (const algorithm of ['sha256', 'sha512']) {
    for (const prefix of await names(join(root, 'blobs', algorithm))) await adoptFolder(algorithm, prefix);
  }
  let repositories = 0;
  for await (const repository of repositoriesBelow(join(root, 'repositories'), '')) {
    repositories += 1;
    await adoptRepository(repository);
  }
  await rm(join(layout.directory, 'docker'), { recursive: true, force: true });
  await rm(join(layout.directory, 'scheduler-state.json'), { force: true });
  logger.info('adopted the content of a Distribution registry', { upstream, blobs, repositories });

  async function adoptFolder(algorithm: string, prefix: string): Promise<void> {
    const folder = join(root, 'blobs', algorithm, prefix);
    const found = await names(folder);
    index.transaction(() => {
      for (const hex of found) {
        const digest = `${algorithm}:${hex}`;
        const data = join(folder, hex, 'data');
        if (!isDigest(digest) || !existsSync(data)) continue;
        moveSync(data, layout.blob(digest));
        if (catalog.get(digest) !== undefined) blobs += 1;
      }
    });
  }

  async function adoptRepository(repository: RepositoryName): Promise<void> {
    const folder = join(root, 'repositories', repository);
    const repositoryId = { upstream, repository };
    const digests: Digest[] = [];
    for (const kind of ['_layers', '_manifests/revisions']) {
      for (const algorithm of await names(join(folder, kind))) {
        const found = await names(join(folder, kind, algorithm));
        digests.push(...found.map((hex) => `${algorithm}:${hex}`).filter((text) => isDigest(text)));
      }
    }
    const tags = await names(join(folder, '_manifests', 'tags'));
    index.transaction(() => {
      for (const digest of digests) catalog.link(digest, repositoryId);
      for (const tag of tags)
        adoptTag(repositoryId, tag, join(folder, '_manifests', 'tags', tag, 'current', 'link'));
    });
  }

  function adoptTag(
    repositoryId: { upstream: string; repository: RepositoryName },
    name: string,
    link: string,
  ): void {
    const validatedAt = statSync(link, { throwIfNoEntry: false })?.mtimeMs;
    if (validatedAt === undefined) return;
    const digest = readFileSync(link, 'utf8').trim();
    const row = isDigest(digest) ? catalog.get(digest) : undefined;
    if (row?.mediaType === undefined) return;
    const entry = {
      digest: row.digest,
      mediaType: row.mediaType,
      size: row.size,
      validatedAt: Math.floor(validatedAt),
    };
    for (const acceptClass of COMMON_ACCEPT_CLASSES) {
      index.tags.put({ ...repositoryId, tag: parseTag(name), acceptClass }, entry);
    }
  }
}

/**
 * Accept classes of containerd, Docker, Podman and skopeo, and crane (see `acceptClass`). Distribution does not record what the client of a
 * tag accepted. These clients accept every kind of manifest, so the answer is right for each of them.
 */
const COMMON_ACCEPT_CLASSES = ['*dilm', '*dilms', 'dilm', 'dilms'];

/** Yields each folder that is a repository: it has folders of the registry's own, whose names begin with `_`. */
async function* repositoriesBelow(folder: string, path: string): AsyncGenerator<RepositoryName> {
  const found = await names(folder);
  if (path !== '' && found.some((name) => name.startsWith('_'))) {
    try {
      yield parseRepositoryName(path);
    } catch {
      // No client can request this name.
    }
  }
  for (const name of found) {
    if (!name.startsWith('_'))
      yield* repositoriesBelow(join(folder, name), path === '' ? name : `${path}/${name}`);
  }
}

/** Names in a folder; none if it does not exist or is no folder. */
async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
