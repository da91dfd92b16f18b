import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { IndexDatabase } from './index-database.ts';
import type { ContentType, RepositoryId } from '../types.ts';

/** Content as background work and maintenance see it. */
export interface StoredContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

/** Repositories of damaged content that reports name, and that repairs try, at most. */
const REPOSITORY_LIMIT = 16;

/** All content in the index, by page, in the order of digests. Never throws, see {@link IndexDatabase}. */
export class Inventory {
  readonly #database: IndexDatabase;

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** Up to `limit` objects after `digest`; undefined: the first ones. */
  after(digest: Digest | undefined, limit: number): StoredContent[] {
    return this.#database
      .rows(
        'SELECT digest, size, type, used_at FROM contents WHERE digest > ? ORDER BY digest LIMIT ?',
        digest ?? '',
        limit,
      )
      .map((row) => ({
        digest: row['digest'] as Digest,
        size: row['size'] as number,
        type: row['type'] as ContentType,
        usedAt: row['used_at'] as number,
      }));
  }

  /** Up to 16 repositories that content was delivered or confirmed through. */
  repositoryIds(digest: Digest): RepositoryId[] {
    return this.#database
      .rows(
        'SELECT upstream, repository FROM links WHERE digest = ? ORDER BY upstream, repository LIMIT ?',
        digest,
        REPOSITORY_LIMIT,
      )
      .map((row) => ({
        upstream: row['upstream'] as string,
        repository: row['repository'] as RepositoryName,
      }));
  }
}

/** Yields the inventory after `digest` in pages, each read when the one before it is done. */
export function* pagesOf(
  inventory: Pick<Inventory, 'after'>,
  limit: number,
  digest?: Digest,
): Generator<StoredContent[]> {
  let page = inventory.after(digest, limit);
  while (page.length > 0) {
    yield page;
    page = inventory.after(page.at(-1)?.digest, limit);
  }
}
