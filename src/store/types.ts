import type { Hash } from 'node:crypto';
import type { Digest } from '../oci/digest.ts';
import type { ByteRange } from '../oci/range.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';

/** `blob` or `manifest`: the `type` label of the metrics. */
export type ContentType = 'manifest' | 'blob';

/** What the index says of content on disk. */
export interface ContentInfo {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** `Content-Type` as the upstream sent it; only of manifests. */
  readonly mediaType: string | undefined;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
}

/** Stored content, open for reading. While it is open it is never evicted. */
export interface OpenContent extends ContentInfo {
  /**
   * Reads into `buffer`, and gives the part of it that begins with the byte at `offset`: at least one byte, none behind `end`. The
   * buffer must hold all from {@link chunkStart} of `offset` to the end of that chunk. What is given was checked: throws `STORE_DAMAGED`
   * instead of giving a byte that is not the one which was stored, and nobody is given the content from then on until it is right
   * again.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
  /** Idempotent. */
  close(): void;
}

/** Where content was obtained: permission to serve is per upstream and repository, bytes are shared by digest. */
export interface Origin {
  readonly upstream: string;
  readonly repository: RepositoryName;
}

/**
 * Whether stored content may be given out for an origin:
 * `linked`: this upstream delivered it through this repository, or confirmed it there; serve.
 * `unlinked`: the bytes came from this upstream through another repository, or their origin was lost with the index: a
 * 2xx HEAD of the upstream for this repository is enough to link them.
 * `foreign`: the bytes came from other upstreams only: they must be downloaded once from this one (law 4, threat T2).
 * `absent`: not on disk.
 */
export type Presence = 'linked' | 'unlinked' | 'foreign' | 'absent';

/** What a tag pointed to when it was last validated. */
export interface TagEntry {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Milliseconds since the epoch at which the upstream last confirmed it. */
  readonly validatedAt: number;
}

export interface TagKey extends Origin {
  readonly tag: Tag;
  /** See `acceptClass`. */
  readonly acceptClass: string;
}

/** What is left of content that was found damaged, to mend it with. */
export interface Remains {
  readonly size: number;
  /** What is not usable, in order. */
  readonly damaged: readonly ByteRange[];
  /** Reads what is usable into `buffer`; gives the number of bytes, fewer than asked only when the file has changed since. */
  read(buffer: Buffer, offset: number): Promise<number>;
  /** Owed once. */
  close(): void;
}

/**
 * A body on its way in: bytes are appended in order, hashed as they are written, and can be read back up to
 * `offset` at any time, also after `commit` (the file is renamed, not copied).
 */
export interface Spool {
  readonly digest: Digest;
  /**
   * Reads into `buffer` what was written, as {@link OpenContent.read} does, `end` at most `offset`. Throws `STORE_DAMAGED` when a byte is not
   * the one which was written (the spool goes on, and what it becomes is mended like other content), and `STORE_UNAVAILABLE`.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer>;
  /** Bytes written so far; above 0 at the start when a crash or abort left a usable beginning. */
  readonly offset: number;
  /**
   * Writes `chunks` behind what is there. Throws `STORE_FULL` when budget or disk do not allow it (nothing of `chunks` is
   * counted then, `offset` and the hash stay where they were) and `STORE_UNAVAILABLE` for other disk errors.
   */
  append(chunks: readonly Buffer[]): Promise<void>;
  /** True when the bytes so far hash to the digest. Does not end the hash. */
  matches(): boolean;
  /** A copy of the running hash at `offset`, for a reader that goes on without the spool. */
  forkHash(): Hash;
  /**
   * Verifies, fsyncs, renames into place, writes the index row and the link to `origin`. Throws
   * `UPSTREAM_DIGEST_MISMATCH` (the file is removed) or `STORE_UNAVAILABLE`. The returned content is open. `mended`: a part of it is
   * from {@link Store.remains}.
   */
  commit(meta: {
    type: ContentType;
    mediaType?: string;
    origin: Origin;
    mended?: boolean;
  }): Promise<OpenContent>;
  /**
   * Keeps the bytes on disk for the next fill of this digest, or removes them when a next one could not use them. Closes nothing that
   * readers still hold, and they go on reading the same bytes.
   */
  suspend(): Promise<void>;
  /** Removes the bytes. */
  discard(): Promise<void>;
  /** Readers hold the file open: each `retain` needs one `release`; the fd closes with the last one after the end. */
  retain(): void;
  release(): void;
}

export interface UpstreamPolicy {
  /** Unused longer than this is removed; 0 turns it off. */
  readonly ttlMs: number;
  /** Budget of this upstream's content in bytes; undefined: only the whole store's limit holds. */
  readonly maxBytes: number | undefined;
}

export interface StoreStats {
  readonly bytes: number;
  readonly limitBytes: number;
  readonly objects: number;
  /** Found damaged, and out of service until they are right again. */
  readonly damagedObjects: number;
  readonly perUpstream: readonly {
    upstream: string;
    bytes: number;
    limitBytes: number | undefined;
    objects: number;
  }[];
}

export interface Store {
  /** Answered by memory and index; only a digest that they do not know costs a look at the disk (1 us when it is not there). */
  info(digest: Digest): ContentInfo | undefined;
  presence(digest: Digest, origin: Origin): Presence;
  /**
   * Opens content and notes its use. Undefined when it is not there (a row without a file is dropped), or found damaged and not
   * right again yet.
   */
  open(digest: Digest): Promise<OpenContent | undefined>;
  /**
   * The whole content, for manifests. Undefined when absent, larger than a manifest may be, or when it does not hash to
   * `digest` (then it is out of service until it is fetched again).
   */
  read(digest: Digest): Promise<{ info: ContentInfo; content: Buffer } | undefined>;
  /**
   * Stores a small body that is in memory as a whole, a manifest, linked to `origin`. Throws `UPSTREAM_DIGEST_MISMATCH`,
   * `STORE_FULL` or `STORE_UNAVAILABLE`; nothing is left behind then.
   */
  put(
    digest: Digest,
    content: Buffer,
    meta: { type: ContentType; mediaType?: string; origin: Origin },
  ): Promise<void>;
  /** Notes a use without opening, for content answered from memory. Buffered: cheap enough for every request. */
  touch(digest: Digest): void;
  /** The upstream has confirmed that `digest` is in this repository. Does nothing for content that is `foreign` or `absent`. */
  link(digest: Digest, origin: Origin): void;

  tag(key: TagKey): TagEntry | undefined;
  putTag(key: TagKey, entry: TagEntry): void;
  /** What the tag pointed to for every accept class that asked; for outages, hence not fast. */
  tagClasses(origin: Origin, tag: Tag): readonly { acceptClass: string; entry: TagEntry }[];
  /** Forgets the tag in all its accept classes. */
  dropTag(origin: Origin, tag: Tag): void;

  /** When the upstream last served this repository to anybody, milliseconds since the epoch. Kept across restarts, to the minute. */
  publicAt(origin: Origin): number | undefined;
  /** Notes that it did; undefined: it does not any more. */
  setPublic(origin: Origin, at: number | undefined): void;

  /**
   * Begins or resumes a spool and reserves `size` bytes (grown as it is written when undefined), evicting what is least
   * valuable. Throws `STORE_FULL` when the budget cannot hold it, `STORE_UNAVAILABLE` when the disk cannot.
   * One spool per upstream and digest at a time; the caller sees to that.
   */
  spool(digest: Digest, origin: Origin, size: number | undefined): Promise<Spool>;

  /** Bytes that an earlier spool of this upstream has left, which the next one begins with; 0 when there are none. */
  leftBytes(digest: Digest, origin: Origin): number;

  /**
   * What is left of content that was found damaged and is linked to `origin`; undefined when there is none, or too little to be useful.
   * The caller owes a `close`.
   */
  remains(digest: Digest, origin: Origin): Promise<Remains | undefined>;
  /** The remains of `digest` have not helped to mend it, or are in the way: the next fill fetches it as a whole. */
  discardRemains(digest: Digest): Promise<void>;

  /** A small document of the program's own, by its name; undefined when there is none. Throws `STORE_UNAVAILABLE`. */
  readDocument(name: string): Promise<Buffer | undefined>;
  /**
   * Writes a document whole or not at all, readable by nobody but this user: it may hold keys. It counts for no budget and is
   * never evicted. Throws `STORE_FULL` or `STORE_UNAVAILABLE`.
   */
  writeDocument(name: string, content: Buffer): Promise<void>;

  /** Takes effect at once: smaller budgets evict in the background. */
  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void;
  stats(): StoreStats;
  /** Writes what is buffered and closes. Open content stays readable. */
  close(): Promise<void>;
}
