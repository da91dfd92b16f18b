import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { IndexDatabase } from './index-database.ts';
import type { ContentType, Origin } from '../types.ts';

/** Content as the upkeep of the store looks at it. */
export interface StoredContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

/** Repositories that are named, and asked for damaged content, at most. */
const ORIGINS = 16;

/** All that the index has, one page after the other in the order of digests. Never throws: see {@link IndexDatabase}. */
export class Inventory {
  readonly #database: IndexDatabase;

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** The next `limit` after `digest`, the first ones when it is undefined. */
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

  /** Some repositories that content was delivered or confirmed through, 16 at most. */
  origins(digest: Digest): Origin[] {
    return this.#database
      .rows(
        'SELECT upstream, repository FROM links WHERE digest = ? ORDER BY upstream, repository LIMIT ?',
        digest,
        ORIGINS,
      )
      .map((row) => ({
        upstream: row['upstream'] as string,
        repository: row['repository'] as RepositoryName,
      }));
  }
}
