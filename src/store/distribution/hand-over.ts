import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from '../../kit/in-parallel.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { blobFolders, digestsIn } from '../files/blob-folders.ts';
import type { Layout } from '../files/layout.ts';
import { matchesSums } from '../sums/matches-sums.ts';
import type { ContentType } from '../types.ts';
import type { DistributionLayout, LinkKind } from './distribution-layout.ts';
import type { HandBackFiles } from './hand-back-files.ts';
import type { HandBackIndex, IndexedContent, IndexedTag } from './hand-back-index.ts';
import { linkTextAt } from './link-text.ts';
import { linkedDigests } from './linked-digests.ts';
import { readSchedulerState, schedulerState, type Expiry } from './scheduler-state.ts';

export interface HandOverDeps {
  readonly layout: Layout;
  readonly distribution: DistributionLayout;
  readonly index: HandBackIndex;
  readonly files: HandBackFiles;
  readonly logger: Logger;
  /** Called for each object that is in its last place. `dropped`: the reason why it was removed. */
  readonly onObject: (dropped?: Dropped) => void;
}

/**
 * Reasons why content is removed instead of handed back. `private`: only callers with logins of their own may have it. `unlinked`: no
 * repository of the upstream is known to have it. `damaged`: its bytes are wrong.
 */
export const DROPPED = ['private', 'unlinked', 'damaged'] as const;
export type Dropped = (typeof DROPPED)[number];

/** Rows of the index that are read at a time. */
const PAGE = 256;

/** Tags, or objects, whose files are written at the same time. */
const FILES_AT_ONCE = 16;

const KIND_OF: Readonly<Record<ContentType, LinkKind>> = {
  blob: '_layers',
  manifest: '_manifests/revisions',
};

/**
 * Moves all content into the places where a Distribution registry in proxy mode looks for it, and writes links, tags and, with a `ttlMs`, the
 * times at which content expires there. The index is only read, so everything can be done again after a crash: first the tags, since
 * an adoption that comes in between forgets those of content that is moved already; then for each object its links, and the object.
 * Other content is removed. Rejects with the signal's reason, and with errors of disk and index.
 */
export async function handOver(deps: HandOverDeps, ttlMs: number, signal: AbortSignal): Promise<void> {
  const { layout, distribution, index, files, logger } = deps;
  for (const repository of index.refused()) await removeEarlier(repository);
  const linkedThere = await linkedDigests(distribution, signal);
  await inParallel(lastTargets(index.tags()), FILES_AT_ONCE, writeTag, signal);
  for await (const folder of blobFolders(layout.blobs)) {
    const beginning = `${folder.algorithm}:${folder.prefix}`;
    const known = new Map(contentsBetween(beginning, `${beginning}g`).map((one) => [one.digest, one]));
    const move = (digest: Digest): Promise<void> => handOverObject(digest, known.get(digest));
    await inParallel(await digestsIn(folder), FILES_AT_ONCE, move, signal);
  }
  if (ttlMs > 0) await writeSchedulerState();

  /** Removes what an earlier hand-back or Distribution itself left of a repository that is private now. */
  async function removeEarlier(repository: RepositoryName): Promise<void> {
    for (const folder of ['_layers', '_manifests'])
      await files.remove(join(distribution.repository(repository), folder), signal);
  }

  async function writeTag({ repository, tag, digest, validatedAt }: IndexedTag): Promise<void> {
    if (!(await files.exists(layout.blob(digest))) && !(await files.exists(distribution.blob(digest))))
      return;
    await files.write(distribution.tagIndexLink(repository, tag, digest), digest);
    await files.write(distribution.tagLink(repository, tag), digest, dateOf(repository, validatedAt));
  }

  async function handOverObject(digest: Digest, content: IndexedContent | undefined): Promise<void> {
    const from = layout.blob(digest);
    const repositories = content?.repositories ?? [];
    if (content?.isPrivate === true) return drop(digest, 'private');
    if (repositories.length === 0 && !linkedThere.has(digest)) return drop(digest, 'unlinked');
    if (content !== undefined && (await isDamaged(from, content))) return drop(digest, 'damaged');
    if (content !== undefined) await writeLinks(content);
    await files.move(from, distribution.blob(digest));
    deps.onObject();
  }

  /** Dates links as Distribution does: by the time at which the content came. */
  async function writeLinks({ digest, type, storedAt, repositories }: IndexedContent): Promise<void> {
    for (const repository of repositories)
      await files.write(
        distribution.link(repository, KIND_OF[type], digest),
        digest,
        dateOf(repository, storedAt),
      );
  }

  /** An adoption takes the date of a file for a time at which everyone had the content, so it is not after the last proof. */
  function dateOf(repository: RepositoryName, at: number): number {
    return Math.min(at, index.provenAt(repository));
  }

  async function drop(digest: Digest, why: Dropped): Promise<void> {
    if (why === 'damaged') logger.warn('damaged content is not handed back', { digest });
    for (const { repository, tag } of index.tagsOf(digest)) {
      if (linkTextAt(distribution.tagLink(repository, tag)) === digest)
        await files.remove(join(distribution.tags(repository), tag), signal);
    }
    await files.remove(layout.blob(digest), signal);
    deps.onObject(why);
  }

  /** Content that was never verified as a whole is as Distribution left it, so only its size is compared. */
  async function isDamaged(path: string, { digest, size }: IndexedContent): Promise<boolean> {
    if ((await stat(path)).size !== size) return true;
    const sums = index.sums(digest, size);
    if (sums === undefined) return false;
    return !(await matchesSums(path, sums, signal));
  }

  async function writeSchedulerState(): Promise<void> {
    const { schedulerState: path } = distribution;
    const older = await readSchedulerState(path, logger);
    const written = join(layout.documents, 'scheduler-state.json');
    await files.writePieces(written, schedulerState(expiries(older), older));
    await files.move(written, path);
  }

  /** Takes entries out of `older` that it yields. */
  async function* expiries(older: Record<string, unknown>): AsyncGenerator<Expiry> {
    for (const { digest, type, usedAt, repositories } of allContents()) {
      signal.throwIfAborted();
      if (repositories.length === 0 || !(await files.exists(distribution.blob(digest)))) continue;
      for (const repository of repositories) {
        delete older[`${repository}@${digest}`];
        yield { repository, digest, type, at: usedAt + ttlMs };
      }
    }
  }

  function* allContents(): Generator<IndexedContent> {
    let page = index.contents('', '~', PAGE);
    while (page.length > 0) {
      yield* page;
      page = index.contents(page.at(-1)?.digest ?? '~', '~', PAGE);
    }
  }

  function contentsBetween(after: string, before: string): IndexedContent[] {
    const found = index.contents(after, before, PAGE);
    for (let last = found.at(-1); last !== undefined;) {
      const page = index.contents(last.digest, before, PAGE);
      found.push(...page);
      last = page.at(-1);
    }
    return found;
  }
}

/** The last target of each tag. */
function* lastTargets(tags: Iterable<IndexedTag>): Generator<IndexedTag> {
  let last: IndexedTag | undefined;
  for (const one of tags) {
    if (last !== undefined && (last.tag !== one.tag || last.repository !== one.repository)) yield last;
    last = one;
  }
  if (last !== undefined) yield last;
}
