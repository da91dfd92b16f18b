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
import { moveSync } from '../files/trash.ts';

export interface AdoptionDeps {
  readonly layout: Layout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly logger: Logger;
}

/**
 * Takes over what the registry of the Distribution project, in proxy mode, has left in the directory, so that switching keeps
 * the cache warm: blobs are renamed into place, links and tags entered, `docker/` removed. A crash on the way is continued by
 * the next start. Blobs are hashed when they are first read. There is no way back: Distribution finds an empty directory.
 *
 * `upstream` is the one that everything there came from. Throws `STORE_ADOPTION_AMBIGUOUS` when it is `'ambiguous'` and there
 * is something to adopt.
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
    const origin = { upstream, repository };
    const digests: Digest[] = [];
    for (const kind of ['_layers', '_manifests/revisions']) {
      for (const algorithm of await names(join(folder, kind))) {
        const found = await names(join(folder, kind, algorithm));
        digests.push(...found.map((hex) => `${algorithm}:${hex}`).filter((text) => isDigest(text)));
      }
    }
    const tags = await names(join(folder, '_manifests', 'tags'));
    index.transaction(() => {
      for (const digest of digests) catalog.link(digest, origin);
      for (const tag of tags)
        adoptTag(origin, tag, join(folder, '_manifests', 'tags', tag, 'current', 'link'));
    });
  }

  function adoptTag(
    origin: { upstream: string; repository: RepositoryName },
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
      index.tags.put({ ...origin, tag: parseTag(name), acceptClass }, entry);
    }
  }
}

/**
 * Distribution does not say what the client accepted that a tag was resolved for. These clients accept every kind of manifest,
 * so that the answer is right for each of them: containerd, Docker, Podman and skopeo, crane (see `acceptClass`).
 */
const COMMON_ACCEPT_CLASSES = ['*dilm', '*dilms', 'dilm', 'dilms'];

/** A folder is a repository when it has folders of the registry's own, whose names begin with `_`. */
async function* repositoriesBelow(folder: string, path: string): AsyncGenerator<RepositoryName> {
  const found = await names(folder);
  if (path !== '' && found.some((name) => name.startsWith('_'))) {
    try {
      yield parseRepositoryName(path);
    } catch {
      // Not a name that anybody could ask for.
    }
  }
  for (const name of found) {
    if (!name.startsWith('_'))
      yield* repositoriesBelow(join(folder, name), path === '' ? name : `${path}/${name}`);
  }
}

/** Names in a folder; none when it is not there or not a folder. */
async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
