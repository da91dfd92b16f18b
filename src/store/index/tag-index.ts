import { createRecentMap } from '../../kit/recent-map.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { IndexDatabase, Row } from './index-database.ts';
import type { RepositoryId, TagEntry, TagKey } from '../types.ts';

/** About 300 bytes each. */
const TAGS_IN_MEMORY = 10_000;

/**
 * Targets of tags, in the index, and in memory for the most requested ones: an answer by tag costs a third less than with a query each
 * time. Memory also keeps entries that a full disk kept out of the index.
 */
export class TagIndex {
  readonly #database: IndexDatabase;
  readonly #memory = createRecentMap<string, TagEntry>(TAGS_IN_MEMORY);

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  get(key: TagKey): TagEntry | undefined {
    const remembered = this.#memory.get(nameOf(key));
    if (remembered !== undefined) return remembered;
    const row = this.#database.row(
      `SELECT digest, media_type, size, validated_at FROM tags
       WHERE upstream = ? AND repository = ? AND tag = ? AND accept_class = ?`,
      key.upstream,
      key.repository,
      key.tag,
      key.acceptClass,
    );
    if (row === undefined) return undefined;
    const entry = tagEntry(row);
    this.#memory.set(nameOf(key), entry);
    return entry;
  }

  /** Entries of one tag, one for each accept class. */
  classes({ upstream, repository }: RepositoryId, tag: Tag): { acceptClass: string; entry: TagEntry }[] {
    const text = 'SELECT * FROM tags WHERE upstream = ? AND repository = ? AND tag = ?';
    return this.#database
      .rows(text, upstream, repository, tag)
      .map((row) => ({ acceptClass: row['accept_class'] as string, entry: tagEntry(row) }));
  }

  put(key: TagKey, entry: TagEntry): void {
    this.#memory.set(nameOf(key), entry);
    this.#database.run(
      `INSERT OR REPLACE INTO tags (upstream, repository, tag, accept_class, digest, media_type, size, validated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      key.upstream,
      key.repository,
      key.tag,
      key.acceptClass,
      entry.digest,
      entry.mediaType,
      entry.size,
      entry.validatedAt,
    );
  }

  /** Forgets the tag in all its accept classes. */
  remove({ upstream, repository }: RepositoryId, tag: Tag): void {
    this.#memory.clear();
    const text = 'DELETE FROM tags WHERE upstream = ? AND repository = ? AND tag = ?';
    this.#database.run(text, upstream, repository, tag);
  }

  /** Forgets the tags that point to removed content, in one upstream or in all. */
  removeOf(digest: Digest, upstream?: string): void {
    this.#memory.clear();
    if (upstream === undefined) this.#database.run('DELETE FROM tags WHERE digest = ?', digest);
    else this.#database.run('DELETE FROM tags WHERE digest = ? AND upstream = ?', digest, upstream);
  }

  /** Drops the tags beyond `limit` that were validated longest ago. */
  trim(limit: number): void {
    const dropped = this.#database.run(
      `DELETE FROM tags WHERE validated_at <
         (SELECT validated_at FROM tags ORDER BY validated_at DESC LIMIT 1 OFFSET ?)`,
      limit,
    );
    if (dropped > 0) this.#memory.clear();
  }
}

/** Unique, because no part can contain a space. */
function nameOf({ upstream, repository, tag, acceptClass }: TagKey): string {
  return `${upstream} ${repository} ${tag} ${acceptClass}`;
}

function tagEntry(row: Row): TagEntry {
  return {
    digest: row['digest'] as Digest,
    mediaType: row['media_type'] as string,
    size: row['size'] as number,
    validatedAt: row['validated_at'] as number,
  };
}
