import type { Hash } from 'node:crypto';
import type { Digest } from '../oci/digest.ts';
import type { ByteRange } from '../oci/range.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';

/**
 * The whole store. The life of a body in it:
 *
 * 1. Reserve and write. {@link SpoolStore.spool} reserves the bytes in the budgets and opens a file, with what an interrupted fill of this
 *    upstream left. {@link Spool.append} writes and hashes.
 * 2. Verify. {@link Spool.matches} compares the hash of all bytes with the digest.
 * 3. Commit. {@link Spool.commit} syncs the file, moves it into place and enters it into the index with a link to its repository.
 * 4. Serve and evict. {@link ContentStore.open} serves it. Eviction removes it for room or age, never while it is open. Damaged content is
 *    out of service until a new fill commits it again.
 *
 * Bytes become visible at two moments. After `append`, whoever has the {@link Spool} can read them, and nothing else shows them. After
 * `commit`, {@link ContentStore} has the content, and {@link SpoolStore} has no partial body of it.
 */
export interface Store extends ContentStore, TagStore, PublicRepositories, SpoolStore, Documents {
  /** Takes effect at once: smaller budgets evict in the background. */
  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void;
  stats(): StoreStats;
  /** Writes what is buffered and closes the store. Open content stays readable. */
  close(): Promise<void>;
}

/** Committed content by digest, and through which repositories it may be served. */
export interface ContentStore {
  /** Answered from memory and index. Only a digest that neither has costs a look at the disk (1 us if the file is not there). */
  info(digest: Digest): ContentInfo | undefined;
  presence(digest: Digest, repositoryId: RepositoryId): Presence;
  /** Opens content and notes its use. Undefined if it is absent (a row without a file is dropped) or out of service. */
  open(digest: Digest): Promise<OpenContent | undefined>;
  /**
   * Reads the whole content, for manifests. Undefined if it is absent, out of service, larger than a manifest may be, or found damaged
   * by this read.
   */
  read(digest: Digest): Promise<{ info: ContentInfo; content: Buffer } | undefined>;
  /**
   * Stores a manifest, or another small body that is whole in memory, linked to `repositoryId`. Throws `UPSTREAM_DIGEST_MISMATCH`,
   * `STORE_FULL` or `STORE_UNAVAILABLE`, and leaves nothing behind then.
   */
  put(digest: Digest, content: Buffer, meta: Omit<CommitMeta, 'repaired'>): Promise<void>;
  /** Notes a use without opening, for content answered from memory. Buffered: cheap enough for every request. */
  touch(digest: Digest): void;
  /**
   * Links content that the upstream has confirmed in this repository. Does nothing if it is `foreign` or `absent`. `forCaller`: as in
   * {@link CommitMeta}.
   */
  link(digest: Digest, repositoryId: RepositoryId, forCaller?: boolean): void;
}

/** `blob` or `manifest`: the `type` label of the metrics. */
export type ContentType = 'manifest' | 'blob';

/** Content as the index describes it. */
export interface ContentInfo {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** `Content-Type` as the upstream sent it; only for manifests. */
  readonly mediaType: string | undefined;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
}

/** Stored content, open for reading. It is never evicted while it is open. */
export interface OpenContent extends ContentInfo {
  /**
   * Reads into `buffer` and returns the part of it that begins with the byte at `offset`: at least one byte, none at or after `end`. The
   * buffer must hold everything from `chunkStart` of `offset` to the end of that chunk. Every returned byte was checked. Throws
   * `STORE_DAMAGED` instead of returning a byte that differs from the stored one; the content is out of service from then on.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
  /** Idempotent. */
  close(): void;
}

/** A repository of one upstream. Permission to serve is per upstream and repository; bytes are shared by digest. */
export interface RepositoryId {
  readonly upstream: string;
  readonly repository: RepositoryName;
}

/**
 * Relation of stored content to a repository, which decides whether it may be served there:
 * `linked`: this upstream delivered it through this repository, or confirmed it there. It may be served.
 * `unlinked`: this upstream delivered it through another repository, or the upstreams that did were lost with the index. A 2xx HEAD of
 * the upstream for this repository is enough to link it.
 * `foreign`: only other upstreams delivered it. It must be downloaded once from this one (docs/laws.md, "Right caller"; decision 0005,
 * threat T2).
 * `absent`: it is not on disk.
 */
export type Presence = 'linked' | 'unlinked' | 'foreign' | 'absent';

/** The manifests that tags pointed to when the upstream last confirmed them. */
export interface TagStore {
  tag(key: TagKey): TagEntry | undefined;
  putTag(key: TagKey, entry: TagEntry): void;
  /** Entries of the tag for every accept class. Reads the index each time; meant for outages. */
  tagClasses(repositoryId: RepositoryId, tag: Tag): readonly { acceptClass: string; entry: TagEntry }[];
  /** Forgets the tag in all its accept classes. */
  dropTag(repositoryId: RepositoryId, tag: Tag): void;
}

export interface TagKey extends RepositoryId {
  readonly tag: Tag;
  /** See `acceptClass`. */
  readonly acceptClass: string;
}

/** The target of a tag at its last validation. */
export interface TagEntry {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Milliseconds since the epoch of the upstream's last confirmation. */
  readonly validatedAt: number;
}

/** Repositories that their upstream serves to anonymous callers. */
export interface PublicRepositories {
  /** Milliseconds since the epoch of the upstream's last anonymous 2xx. Kept across restarts, to the minute. */
  publicAt(repositoryId: RepositoryId): number | undefined;
  /** Notes an anonymous 2xx; undefined: the repository is not public. */
  setPublic(repositoryId: RepositoryId, at: number | undefined): void;
}

/** Bodies on their way in, and the usable rest of damaged content, which the next fill copies. */
export interface SpoolStore {
  /**
   * Begins or resumes a spool and reserves `size` bytes, evicting what is worth least. Without a `size` the reservation grows with the
   * bytes written. Throws `STORE_FULL` if the budget cannot hold it, and `STORE_UNAVAILABLE` if the disk cannot. The caller sees to it
   * that an upstream and digest have one spool at a time.
   */
  spool(digest: Digest, repositoryId: RepositoryId, size: number | undefined): Promise<Spool>;
  /** Bytes of the partial body that the next spool of this upstream begins with; 0 if there is none. */
  partialBytes(digest: Digest, repositoryId: RepositoryId): number;
  /**
   * The usable rest of damaged content that is linked to `repositoryId`. Undefined if there is none, or too little to be useful. The caller must
   * close it.
   */
  remains(digest: Digest, repositoryId: RepositoryId): Promise<Remains | undefined>;
  /** Drops remains that did not help or are in the way. The next fill fetches everything. */
  discardRemains(digest: Digest): Promise<void>;
}

/**
 * A body on its way in. Bytes are appended in order and hashed as they are written. They can be read back up to `offset` at any time,
 * also after `commit` (the file is renamed, not copied).
 */
export interface Spool {
  readonly digest: Digest;
  /**
   * Reads written bytes into `buffer` as {@link OpenContent.read} does, with `end` at most `offset`. Throws `STORE_UNAVAILABLE`, and
   * `STORE_DAMAGED` for a byte that differs from the written one. A damaged spool goes on; the content it becomes is repaired like any
   * other.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
  /** Bytes written so far; above 0 at the start if a crash or an abort left a usable beginning. */
  readonly offset: number;
  /**
   * Writes `chunks` at `offset`. Throws `STORE_FULL` if budget or disk have no room, and `STORE_UNAVAILABLE` for other disk errors.
   * `offset` and hash stay unchanged then, as if `chunks` had not come.
   */
  append(chunks: readonly Buffer[]): Promise<void>;
  /** True if the bytes so far hash to the digest. The hash goes on. */
  matches(): boolean;
  /** Copies the running hash at `offset`, for a reader that goes on without the spool. */
  forkHash(): Hash;
  /**
   * Verifies, syncs, renames into place, writes the index row and the link to `repositoryId`. Throws `UPSTREAM_DIGEST_MISMATCH` (the file is
   * removed) or `STORE_UNAVAILABLE`. The returned content is open.
   */
  commit(meta: CommitMeta): Promise<OpenContent>;
  /**
   * Ends the spool and keeps its bytes as a partial body for the next fill, or removes them if a next fill could not use them. Readers
   * that retain the file go on reading the same bytes.
   */
  suspend(): Promise<void>;
  /** Removes the bytes. */
  discard(): Promise<void>;
  /** Keeps the file open for a reader. Each `retain` needs one `release`; the last one after the end closes the descriptor. */
  retain(): void;
  release(): void;
}

export interface CommitMeta {
  readonly type: ContentType;
  readonly mediaType?: string;
  /** Repository that delivered the body. */
  readonly repositoryId: RepositoryId;
  /** True if the upstream gave it to a caller with a login of its own. Then others may not have it for that reason alone. */
  readonly forCaller?: boolean;
  /** True if a part of the body is from {@link SpoolStore.remains}, the damaged file that it replaces. */
  readonly repaired?: boolean;
}

/** The usable rest of content that was found damaged. */
export interface Remains {
  readonly size: number;
  /** Unusable ranges, in order. */
  readonly damaged: readonly ByteRange[];
  /** Reads usable bytes into `buffer`. Returns their number, which is below the requested one only if the file has changed since. */
  read(buffer: Buffer, offset: number): Promise<number>;
  /** Must be called once. */
  close(): void;
}

/** Small files of the program's own, such as keys. They count for no budget and are never evicted. */
export interface Documents {
  /** Reads a document by its name; undefined if there is none. Throws `STORE_UNAVAILABLE`. */
  readDocument(name: string): Promise<Buffer | undefined>;
  /** Writes a document whole or not at all, readable by this user only. Throws `STORE_FULL` or `STORE_UNAVAILABLE`. */
  writeDocument(name: string, content: Buffer): Promise<void>;
}

export interface UpstreamPolicy {
  /** Content that is unused for longer is removed; 0 turns this off. */
  readonly ttlMs: number;
  /** Budget of this upstream's content in bytes; undefined: only the limit of the whole store holds. */
  readonly maxBytes: number | undefined;
}

export interface StoreStats {
  readonly bytes: number;
  readonly limitBytes: number;
  readonly objects: number;
  /** Objects that were found damaged and are out of service. */
  readonly damagedObjects: number;
  readonly perUpstream: readonly {
    upstream: string;
    bytes: number;
    limitBytes: number | undefined;
    objects: number;
  }[];
}
