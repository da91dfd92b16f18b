import type { Digest } from '../../oci/digest.ts';
import { decodeSums, encodeSums, type ChunkSums } from '../sums/chunk-sums.ts';
import type { IndexDatabase, Row } from './index-database.ts';
import { PublicRepositoryIndex } from './public-repository-index.ts';
import { TagIndex } from './tag-index.ts';
import type { ContentInfo, ContentType, RepositoryId, Presence } from '../types.ts';
import type { UseRecord } from './worth.ts';

/** Relation of stored content to a repository. */
export type StoredPresence = Exclude<Presence, 'absent'>;

/** Content that could be evicted. */
export interface EvictionCandidate {
  readonly digest: Digest;
  readonly size: number;
  readonly usedAt: number;
}

export interface ContentTotals {
  readonly bytes: number;
  readonly objects: number;
}

export interface EvictionQuery {
  readonly type: ContentType;
  readonly order: 'used_at' | 'worth';
  /** Only content that this upstream delivered. */
  readonly upstream?: string | undefined;
  /** Only content without a known upstream. */
  readonly withoutUpstream?: boolean;
  /** Only content that was last used before this time. */
  readonly before?: number;
  readonly limit: number;
  readonly offset: number;
}

/** Queries of the store; database.ts has the tables. None throws, see {@link IndexDatabase}. */
export class ContentIndex {
  readonly tags: TagIndex;
  readonly publicRepositories: PublicRepositoryIndex;
  readonly #database: IndexDatabase;

  constructor(database: IndexDatabase) {
    this.#database = database;
    this.tags = new TagIndex(database);
    this.publicRepositories = new PublicRepositoryIndex(database);
  }

  transaction(work: () => void): boolean {
    return this.#database.transaction(work);
  }

  /** See {@link IndexDatabase.sync}. */
  sync(): boolean {
    return this.#database.sync();
  }

  content(digest: Digest): ContentInfo | undefined {
    const row = this.#database.row('SELECT * FROM contents WHERE digest = ?', digest);
    return row === undefined ? undefined : contentRow(row);
  }

  putContent(row: ContentInfo, usedAt: number, worth: number): void {
    this.#database.run(
      `INSERT INTO contents (digest, size, type, media_type, stored_at, used_at, worth)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET size = excluded.size, type = excluded.type, media_type = excluded.media_type,
         stored_at = excluded.stored_at, used_at = excluded.used_at, worth = max(worth, excluded.worth)`,
      row.digest,
      row.size,
      row.type,
      row.mediaType ?? null,
      row.storedAt,
      usedAt,
      worth,
    );
  }

  /** Forgets content with its upstreams, links, tags and sums. False if that could not be written. */
  removeContent(digest: Digest): boolean {
    return this.transaction(() => {
      for (const table of ['contents', 'holders', 'links', 'sums']) {
        this.#database.run(`DELETE FROM ${table} WHERE digest = ?`, digest);
      }
      this.tags.removeOf(digest);
    });
  }

  /** Undefined if there are none, or if they are not of content of this size. */
  sums(digest: Digest, size: number): ChunkSums | undefined {
    const row = this.#database.row('SELECT sums FROM sums WHERE digest = ?', digest);
    return row === undefined ? undefined : decodeSums(row['sums'] as Uint8Array, size);
  }

  /** Does nothing for content that is not in the index: it may have been removed while it was summed. */
  putSums(digest: Digest, sums: ChunkSums): void {
    this.#database.run(
      'INSERT OR REPLACE INTO sums (digest, sums) SELECT digest, ? FROM contents WHERE digest = ?',
      encodeSums(sums),
      digest,
    );
  }

  useRecord(digest: Digest): UseRecord | undefined {
    const row = this.#database.row('SELECT size, used_at, worth FROM contents WHERE digest = ?', digest);
    if (row === undefined) return undefined;
    return {
      size: row['size'] as number,
      usedAt: row['used_at'] as number,
      worth: row['worth'] as number,
    };
  }

  setUsed(digest: Digest, usedAt: number, worth: number): void {
    const text = 'UPDATE contents SET used_at = max(used_at, ?), worth = ? WHERE digest = ?';
    this.#database.run(text, usedAt, worth, digest);
  }

  /** Presence of content that is in the index. Content without a known upstream is unlinked for every upstream. */
  presence(digest: Digest, { upstream, repository }: RepositoryId): StoredPresence {
    const row = this.#database.row(
      `SELECT EXISTS (SELECT 1 FROM links WHERE digest = ?1 AND upstream = ?2 AND repository = ?3) AS linked,
              EXISTS (SELECT 1 FROM holders WHERE digest = ?1 AND upstream = ?2) AS held,
              EXISTS (SELECT 1 FROM holders WHERE digest = ?1) AS known`,
      digest,
      upstream,
      repository,
    );
    if (row?.['linked'] === 1) return 'linked';
    return row?.['held'] !== 1 && row?.['known'] === 1 ? 'foreign' : 'unlinked';
  }

  /** Upstreams that delivered the content. */
  upstreamsOf(digest: Digest): string[] {
    return this.#database
      .rows('SELECT upstream FROM holders WHERE digest = ?', digest)
      .map((row) => row['upstream'] as string);
  }

  /** Notes that the upstream delivered the content. True if that is new. */
  addUpstream(digest: Digest, upstream: string, size: number): boolean {
    const text = 'INSERT OR IGNORE INTO holders (digest, upstream, size) VALUES (?, ?, ?)';
    return this.#database.run(text, digest, upstream, size) === 1;
  }

  /** Forgets that the upstream delivered the content, with its links and tags. */
  removeUpstream(digest: Digest, upstream: string): void {
    this.transaction(() => {
      for (const table of ['holders', 'links']) {
        this.#database.run(`DELETE FROM ${table} WHERE digest = ? AND upstream = ?`, digest, upstream);
      }
      this.tags.removeOf(digest, upstream);
    });
  }

  /** `callerAt`: time of a link that was made for a caller's own login, in milliseconds since the epoch; 0 for any other. */
  addLink(digest: Digest, { upstream, repository }: RepositoryId, callerAt: number): void {
    const text = `INSERT INTO links (digest, upstream, repository, caller_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (digest, upstream, repository) DO UPDATE SET caller_at = min(caller_at, excluded.caller_at)`;
    this.#database.run(text, digest, upstream, repository, callerAt);
  }

  /** Content of one type in the order of eviction: at most `limit` rows after `offset`. */
  candidates({
    type,
    order,
    upstream,
    withoutUpstream,
    before,
    limit,
    offset,
  }: EvictionQuery): EvictionCandidate[] {
    const delivered = 'EXISTS (SELECT 1 FROM holders AS h WHERE h.digest = c.digest';
    const byUpstream =
      upstream !== undefined
        ? ` AND ${delivered} AND h.upstream = ?)`
        : withoutUpstream === true
          ? ` AND NOT ${delivered})`
          : '';
    return this.#database
      .rows(
        `SELECT digest, size, used_at FROM contents AS c WHERE type = ?${before === undefined ? '' : ' AND used_at < ?'}${byUpstream}
         ORDER BY ${order} LIMIT ? OFFSET ?`,
        type,
        ...(before === undefined ? [] : [before]),
        ...(upstream === undefined ? [] : [upstream]),
        limit,
        offset,
      )
      .map((row) => ({
        digest: row['digest'] as Digest,
        size: row['size'] as number,
        usedAt: row['used_at'] as number,
      }));
  }

  /** Digests in the index whose text begins with `prefix`. */
  digestsWith(prefix: string): Digest[] {
    // No hexadecimal digit sorts after "f".
    return this.#database
      .rows('SELECT digest FROM contents WHERE digest >= ? AND digest < ?', prefix, `${prefix}g`)
      .map((row) => row['digest'] as Digest);
  }

  totals(): ContentTotals {
    return totals(this.#database.row('SELECT sum(size) AS bytes, count(*) AS objects FROM contents'));
  }

  totalsByUpstream(): Map<string, ContentTotals> {
    const rows = this.#database.rows(
      'SELECT upstream, sum(size) AS bytes, count(*) AS objects FROM holders GROUP BY upstream',
    );
    return new Map(rows.map((row) => [row['upstream'] as string, totals(row)]));
  }
}

function contentRow(row: Row): ContentInfo {
  return {
    digest: row['digest'] as Digest,
    size: row['size'] as number,
    type: row['type'] as ContentType,
    mediaType: (row['media_type'] as string | null) ?? undefined,
    storedAt: row['stored_at'] as number,
  };
}

function totals(row: Row | undefined): ContentTotals {
  return {
    bytes: (row?.['bytes'] as number | null | undefined) ?? 0,
    objects: (row?.['objects'] as number | undefined) ?? 0,
  };
}
