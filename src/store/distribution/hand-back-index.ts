import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import { decodeSums, type ChunkSums } from '../sums/chunk-sums.ts';
import type { ContentType } from '../types.ts';

/** Content in the index, with the repositories in which everyone may have it. */
export interface IndexedContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  readonly usedAt: number;
  readonly repositories: readonly RepositoryName[];
  /** True if only callers with logins of their own may have it. */
  readonly isPrivate: boolean;
}

/** A tag whose manifest everyone may have. */
export interface IndexedTag {
  readonly repository: RepositoryName;
  readonly tag: Tag;
  readonly digest: Digest;
  /** Milliseconds since the epoch. */
  readonly validatedAt: number;
}

export interface HandBackSource {
  /** Content of other upstreams is not handed back. */
  readonly upstream: string;
  /** True in mode `Shared`: everyone reads what the configured login reads. */
  readonly isShared: boolean;
}

/**
 * The index as the source of a hand-back. Distribution gives everything that it stores to everyone, so only links count that Larder would
 * use for everyone as well (decision 0021). Queries throw the errors of SQLite: a row that cannot be read must not look like one that is
 * not there.
 */
export class HandBackIndex {
  readonly #upstream: string;
  readonly #contents: StatementSync;
  readonly #links: StatementSync;
  readonly #tags: StatementSync;
  readonly #tagsOf: StatementSync;
  readonly #sums: StatementSync;
  readonly #isShared: boolean;
  readonly #proof: StatementSync;
  readonly #refused: StatementSync;
  readonly #count: StatementSync;

  constructor(database: DatabaseSync, { upstream, isShared }: HandBackSource) {
    this.#upstream = upstream;
    this.#isShared = isShared;
    // A repository that is not known to be public has no row, or one with the time 0.
    const isOpen = `(coalesce(p.proven_at > 0 AND p.proven_at >= l.caller_at, 0)${isShared ? ' OR l.caller_at = 0' : ''})`;
    const withPublic =
      'LEFT JOIN public_repositories AS p ON p.upstream = l.upstream AND p.repository = l.repository';
    this.#contents = database.prepare(
      `SELECT digest, size, type, stored_at, used_at FROM contents WHERE digest > ? AND digest < ? ORDER BY digest LIMIT ?`,
    );
    this.#links = database.prepare(
      `SELECT l.digest, l.repository, ${isOpen} AS is_open FROM links AS l ${withPublic}
       WHERE l.upstream = ? AND l.digest BETWEEN ? AND ?`,
    );
    this.#tags = database.prepare(
      `SELECT t.repository, t.tag, t.digest, t.validated_at FROM tags AS t
       JOIN links AS l ON l.digest = t.digest AND l.upstream = t.upstream AND l.repository = t.repository
       JOIN contents AS c ON c.digest = t.digest AND c.type = 'manifest' ${withPublic}
       WHERE t.upstream = ? AND ${isOpen} ORDER BY t.repository, t.tag, t.validated_at, t.accept_class`,
    );
    this.#tagsOf = database.prepare(
      'SELECT DISTINCT repository, tag FROM tags WHERE digest = ? AND upstream = ?',
    );
    this.#proof = database.prepare(
      'SELECT proven_at FROM public_repositories WHERE upstream = ? AND repository = ?',
    );
    this.#refused = database.prepare(
      'SELECT repository FROM public_repositories WHERE upstream = ? AND proven_at = 0',
    );
    this.#count = database.prepare('SELECT count(*) AS n FROM contents');
    this.#sums = database.prepare('SELECT sums FROM sums WHERE digest = ?');
  }

  /** Up to `limit` objects with a digest above `after` and below `before`, in the order of digests. */
  contents(after: string, before: string, limit: number): IndexedContent[] {
    const rows = this.#contents.all(after, before, limit);
    const [first, last] = [rows[0]?.['digest'], rows.at(-1)?.['digest']];
    if (first === undefined || last === undefined) return [];
    const links = new Map<unknown, { repositories: RepositoryName[]; isPrivate: boolean }>();
    for (const row of this.#links.all(this.#upstream, first, last)) {
      const known = links.get(row['digest']) ?? { repositories: [], isPrivate: true };
      links.set(row['digest'], known);
      if (row['is_open'] === 1) known.repositories.push(row['repository'] as RepositoryName);
    }
    return rows.map((row) => {
      const { repositories = [], isPrivate = false } = links.get(row['digest']) ?? {};
      return {
        digest: row['digest'] as Digest,
        size: row['size'] as number,
        type: row['type'] as ContentType,
        storedAt: row['stored_at'] as number,
        usedAt: row['used_at'] as number,
        repositories,
        isPrivate: isPrivate && repositories.length === 0,
      };
    });
  }

  /** Number of objects in the index. */
  count(): number {
    return this.#count.get()?.['n'] as number;
  }

  /** Time of the last proof that everyone may have the repository, in milliseconds since the epoch. Without end in mode `Shared`. */
  provenAt(repository: RepositoryName): number {
    if (this.#isShared) return Infinity;
    return (this.#proof.get(this.#upstream, repository)?.['proven_at'] as number | undefined) ?? 0;
  }

  /** Repositories in which the upstream has refused an anonymous caller since an adoption began. None in mode `Shared`. */
  refused(): RepositoryName[] {
    if (this.#isShared) return [];
    return this.#refused.all(this.#upstream).map((row) => row['repository'] as RepositoryName);
  }

  /** Tags in the order of their names. Of several targets of one tag, the one that was confirmed last comes last. */
  *tags(): Generator<IndexedTag> {
    for (const row of this.#tags.iterate(this.#upstream))
      yield { ...tagOf(row), digest: row['digest'] as Digest, validatedAt: row['validated_at'] as number };
  }

  /** Tags that point to the manifest. */
  tagsOf(digest: Digest): Pick<IndexedTag, 'repository' | 'tag'>[] {
    return this.#tagsOf.all(digest, this.#upstream).map(tagOf);
  }

  /** Undefined for content that was never verified as a whole. */
  sums(digest: Digest, size: number): ChunkSums | undefined {
    const row = this.#sums.get(digest);
    return row === undefined ? undefined : decodeSums(row['sums'] as Uint8Array, size);
  }
}

function tagOf(row: Readonly<Record<string, unknown>>): Pick<IndexedTag, 'repository' | 'tag'> {
  return { repository: row['repository'] as RepositoryName, tag: row['tag'] as Tag };
}
