import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import { isDamage, openDatabase } from './database.ts';
import type { ContentInfo, ContentType, Origin, TagEntry, TagKey } from './types.ts';

/** Content as the index has it. */
export interface ContentRow extends ContentInfo {
  /** Modification time of the file when its bytes were last proven; undefined: to be proven before anyone reads it. */
  readonly verifiedMtime: number | undefined;
}

/** How content and an origin are related in the index: linked, held by this upstream, by others only, or by nobody known. */
export type Relation = 'linked' | 'held' | 'foreign' | 'unknown';

/** Something that could be evicted. */
export interface Candidate {
  readonly digest: Digest;
  readonly size: number;
  readonly usedAt: number;
}

export interface Totals {
  readonly bytes: number;
  readonly objects: number;
}

/**
 * The SQLite index behind typed methods. None of them throws: what the database cannot answer is answered as if it knew
 * nothing, what it cannot write is lost until the files are walked again, and the first failure of a row of failures is
 * logged (law 2: a full disk or a dead index never fails a pull).
 */
export class ContentIndex {
  readonly #path: string;
  readonly #walPages: number;
  readonly #logger: Logger;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync;
  #failing = false;
  #closed = false;
  #onLost: () => void = () => {};
  /** True when it began empty at this start. */
  readonly isNew: boolean;

  constructor(path: string, walPages: number, logger: Logger) {
    this.#path = path;
    this.#walPages = walPages;
    this.#logger = logger;
    const opened = openDatabase(path, walPages, logger);
    this.#database = opened.database;
    this.isNew = opened.isNew;
  }

  /** Calls back when damage found at run time has made the index begin again from nothing. */
  set onLost(callback: () => void) {
    this.#onLost = callback;
  }

  content(digest: Digest): ContentRow | undefined {
    return this.#read(undefined, () => {
      const row = this.#sql('SELECT * FROM contents WHERE digest = ?').get(digest);
      return row === undefined ? undefined : contentRow(row);
    });
  }

  /** False when it could not be written. */
  putContent(row: ContentRow, usedAt: number): boolean {
    const changes = this.#write(
      `INSERT INTO contents (digest, size, type, media_type, stored_at, used_at, verified_mtime)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET size = excluded.size, type = excluded.type, media_type = excluded.media_type,
         stored_at = excluded.stored_at, used_at = excluded.used_at, verified_mtime = excluded.verified_mtime`,
      row.digest,
      row.size,
      row.type,
      row.mediaType ?? null,
      row.storedAt,
      usedAt,
      row.verifiedMtime ?? null,
    );
    return changes === 1;
  }

  /** Forgets content with its holders, links and tags. False when its row could not be removed. */
  removeContent(digest: Digest): boolean {
    let removed = false;
    this.transaction(() => {
      for (const table of ['holders', 'links', 'tags']) {
        this.#write(`DELETE FROM ${table} WHERE digest = ?`, digest);
      }
      removed = this.#write('DELETE FROM contents WHERE digest = ?', digest) === 1;
    });
    return removed;
  }

  setVerified(digest: Digest, mtimeMs: number): void {
    this.#write('UPDATE contents SET verified_mtime = ? WHERE digest = ?', mtimeMs, digest);
  }

  setUsed(digest: Digest, usedAt: number): void {
    this.#write('UPDATE contents SET used_at = max(used_at, ?) WHERE digest = ?', usedAt, digest);
  }

  relation(digest: Digest, { upstream, repository }: Origin): Relation {
    return this.#read<Relation>('unknown', () => {
      const row = this.#sql(
        `SELECT EXISTS (SELECT 1 FROM links WHERE digest = ?1 AND upstream = ?2 AND repository = ?3) AS linked,
                EXISTS (SELECT 1 FROM holders WHERE digest = ?1 AND upstream = ?2) AS held,
                EXISTS (SELECT 1 FROM holders WHERE digest = ?1) AS known`,
      ).get(digest, upstream, repository);
      if (row?.['linked'] === 1) return 'linked';
      if (row?.['held'] === 1) return 'held';
      return row?.['known'] === 1 ? 'foreign' : 'unknown';
    });
  }

  holders(digest: Digest): string[] {
    return this.#read([], () =>
      this.#sql('SELECT upstream FROM holders WHERE digest = ?')
        .all(digest)
        .map((row) => String(row['upstream'])),
    );
  }

  /** True when the upstream did not hold it before. */
  addHolder(digest: Digest, upstream: string, size: number): boolean {
    const text = 'INSERT OR IGNORE INTO holders (digest, upstream, size) VALUES (?, ?, ?)';
    return this.#write(text, digest, upstream, size) === 1;
  }

  /** Forgets that the upstream delivered it, with its links and tags. */
  removeHolder(digest: Digest, upstream: string): void {
    this.transaction(() => {
      for (const table of ['holders', 'links', 'tags']) {
        this.#write(`DELETE FROM ${table} WHERE digest = ? AND upstream = ?`, digest, upstream);
      }
    });
  }

  addLink(digest: Digest, { upstream, repository }: Origin): void {
    const text = 'INSERT OR IGNORE INTO links (digest, upstream, repository) VALUES (?, ?, ?)';
    this.#write(text, digest, upstream, repository);
  }

  tag({ upstream, repository, tag, acceptClass }: TagKey): TagEntry | undefined {
    return this.#read(undefined, () => {
      const row = this.#sql(
        `SELECT digest, media_type, size, validated_at FROM tags
         WHERE upstream = ? AND repository = ? AND tag = ? AND accept_class = ?`,
      ).get(upstream, repository, tag, acceptClass);
      return row === undefined ? undefined : tagEntry(row);
    });
  }

  putTag({ upstream, repository, tag, acceptClass }: TagKey, entry: TagEntry): void {
    this.#write(
      `INSERT OR REPLACE INTO tags (upstream, repository, tag, accept_class, digest, media_type, size, validated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      upstream,
      repository,
      tag,
      acceptClass,
      entry.digest,
      entry.mediaType,
      entry.size,
      entry.validatedAt,
    );
  }

  removeTag({ upstream, repository }: Origin, tag: Tag): void {
    const text = 'DELETE FROM tags WHERE upstream = ? AND repository = ? AND tag = ?';
    this.#write(text, upstream, repository, tag);
  }

  putDescriptor(digest: Digest, size: number, mediaType: string): void {
    const text = 'INSERT OR IGNORE INTO descriptors (digest, size, media_type) VALUES (?, ?, ?)';
    this.#write(text, digest, size, mediaType);
  }

  descriptorSize(digest: Digest): number | undefined {
    return this.#read(undefined, () => {
      const row = this.#sql('SELECT size FROM descriptors WHERE digest = ?').get(digest);
      return row?.['size'] as number | undefined;
    });
  }

  /** Drops the oldest tags and descriptors beyond the given numbers. */
  trim(limits: { tags: number; descriptors: number }): void {
    this.#write(
      `DELETE FROM tags WHERE validated_at <
         (SELECT validated_at FROM tags ORDER BY validated_at DESC LIMIT 1 OFFSET ?)`,
      limits.tags,
    );
    this.#write(
      'DELETE FROM descriptors WHERE id <= (SELECT max(id) FROM descriptors) - ?',
      limits.descriptors,
    );
  }

  /**
   * The least recently used content of one type, of one upstream or of all: at most `limit` rows after `offset`, used before
   * `before`. With `unheld`, only content of unknown origin.
   */
  leastUsed(query: {
    type: ContentType;
    upstream?: string | undefined;
    unheld?: boolean;
    before?: number;
    limit: number;
    offset: number;
  }): Candidate[] {
    const { type, upstream, unheld = false, before = Number.MAX_SAFE_INTEGER, limit, offset } = query;
    const held = 'EXISTS (SELECT 1 FROM holders AS h WHERE h.digest = c.digest';
    const condition =
      upstream !== undefined ? ` AND ${held} AND h.upstream = ?)` : unheld ? ` AND NOT ${held})` : '';
    return this.#read([], () =>
      this.#sql(
        `SELECT digest, size, used_at FROM contents AS c WHERE type = ? AND used_at < ?${condition}
         ORDER BY used_at LIMIT ? OFFSET ?`,
      )
        .all(type, before, ...(upstream === undefined ? [] : [upstream]), limit, offset)
        .map((row) => ({
          digest: row['digest'] as Digest,
          size: row['size'] as number,
          usedAt: row['used_at'] as number,
        })),
    );
  }

  /** Digests whose text begins with `prefix`. */
  digestsWith(prefix: string): Digest[] {
    return this.#read([], () =>
      this.#sql('SELECT digest FROM contents WHERE digest >= ? AND digest < ?')
        .all(prefix, `${prefix}g`)
        .map((row) => row['digest'] as Digest),
    );
  }

  totals(): Totals {
    return this.#read({ bytes: 0, objects: 0 }, () => {
      const row = this.#sql(
        'SELECT coalesce(sum(size), 0) AS bytes, count(*) AS objects FROM contents',
      ).get();
      return { bytes: row?.['bytes'] as number, objects: row?.['objects'] as number };
    });
  }

  totalsByUpstream(): Map<string, Totals> {
    return this.#read(
      new Map(),
      () =>
        new Map(
          this.#sql('SELECT upstream, sum(size) AS bytes, count(*) AS objects FROM holders GROUP BY upstream')
            .all()
            .map((row) => [
              row['upstream'] as string,
              { bytes: row['bytes'] as number, objects: row['objects'] as number },
            ]),
        ),
    );
  }

  /** Runs `work` as one transaction, joining one that is open already. */
  transaction(work: () => void): void {
    if (this.#closed || this.#database.isTransaction) {
      work();
      return;
    }
    this.#read(undefined, () => this.#database.exec('BEGIN'));
    try {
      work();
    } finally {
      if (this.#database.isTransaction) this.#read(undefined, () => this.#commit());
    }
  }

  /** Bytes of the index on disk now, its log included. */
  diskBytes(): number {
    let bytes = 0;
    for (const suffix of ['', '-wal', '.broken']) {
      bytes += statSync(this.#path + suffix, { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#database.close();
    } catch (error) {
      this.#logger.warn('the store index did not close cleanly', { error: errorText(error) });
    }
  }

  #commit(): void {
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #read<T>(otherwise: T, work: () => T): T {
    if (this.#closed) return otherwise;
    try {
      return work();
    } catch (error) {
      this.#failed(error);
      return otherwise;
    }
  }

  /** Number of rows changed. */
  #write(text: string, ...values: (string | number | null)[]): number {
    return this.#read(0, () => {
      const { changes } = this.#sql(text).run(...values);
      this.#failing = false;
      return Number(changes);
    });
  }

  #failed(error: unknown): void {
    if (!this.#failing) {
      this.#failing = true;
      this.#logger.error('the store index fails, content is served without it', { error: errorText(error) });
    }
    if (isDamage(error)) this.#startOver();
  }

  #startOver(): void {
    try {
      this.#database.close();
    } catch {
      // It is damaged: nothing in it is worth more than the attempt.
    }
    this.#statements.clear();
    this.#database = openDatabase(this.#path, this.#walPages, this.#logger).database;
    this.#onLost();
  }
}

function contentRow(row: Record<string, unknown>): ContentRow {
  return {
    digest: row['digest'] as Digest,
    size: row['size'] as number,
    type: row['type'] as ContentType,
    mediaType: (row['media_type'] as string | null) ?? undefined,
    storedAt: row['stored_at'] as number,
    verifiedMtime: (row['verified_mtime'] as number | null) ?? undefined,
  };
}

function tagEntry(row: Record<string, unknown>): TagEntry {
  return {
    digest: row['digest'] as Digest,
    mediaType: row['media_type'] as string,
    size: row['size'] as number,
    validatedAt: row['validated_at'] as number,
  };
}
