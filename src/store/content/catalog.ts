import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { ChunkSums } from '../sums/chunk-sums.ts';
import type { EvictionCandidate, ContentIndex, StoredPresence } from '../index/content-index.ts';
import type { Layout } from '../files/layout.ts';
import type { Ledger } from './ledger.ts';
import { recognise } from './recognise.ts';
import type { ContentInfo, ContentType, RepositoryId, Presence } from '../types.ts';
import { worthOfNew } from '../index/worth.ts';

interface Entry {
  row: ContentInfo;
  /** Presence in repositories, by {@link keyOf}; only recently requested ones. */
  readonly presences: Map<string, StoredPresence>;
}

/** Content in another layout, below the store's directory, that is taken over when it is requested. */
export interface UnadoptedContent {
  /** Delivered all of it. */
  readonly upstream: string;
  /** Moves the file into its place. False if there is none. */
  take(digest: Digest): boolean;
  /** True if the content was delivered through this repository. */
  isLinked(digest: Digest, repositoryId: RepositoryId): boolean;
}

/** Rows kept in memory, about 0.6 KB each. A hit costs 0.1 us, a query of the index 5 us. */
const ENTRY_LIMIT = 16_384;
const PRESENCE_LIMIT = 64;

/**
 * Everything known about stored content: recent rows in memory, all rows in the index. A digest that neither has is looked up on disk,
 * because the files are the truth. Keeps the ledger in step. While the index cannot be written, memory alone has the new rows.
 */
export class Catalog {
  readonly #index: ContentIndex;
  readonly #ledger: Ledger;
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #entries = createRecentMap<Digest, Entry>(ENTRY_LIMIT);
  /** Entries that could not be written into the index. */
  readonly #unsaved = new Map<Digest, Entry>();
  /** Removed content whose rows could not be removed. Without this set it would come back. */
  readonly #ghosts = new Set<Digest>();
  /**
   * The only configured upstream. Content of an unknown repository counts for it; undefined: such content counts for none until it is
   * linked.
   */
  soleUpstream: string | undefined;
  unadopted: UnadoptedContent | undefined;

  constructor(deps: { index: ContentIndex; ledger: Ledger; layout: Layout; clock: Clock }) {
    this.#index = deps.index;
    this.#ledger = deps.ledger;
    this.#layout = deps.layout;
    this.#clock = deps.clock;
    this.recount();
  }

  /** Looks content up in memory, in the index and on disk. Content found on disk is entered into the index. */
  get(digest: Digest): ContentInfo | undefined {
    return this.#entry(digest)?.row;
  }

  presence(digest: Digest, repositoryId: RepositoryId): Presence {
    const entry = this.#entry(digest);
    if (entry === undefined) return 'absent';
    const presence = this.#presence(entry, repositoryId);
    if (presence !== 'unlinked' || this.unadopted?.isLinked(digest, repositoryId) !== true) return presence;
    this.#save(entry, () => this.#link(entry, repositoryId, false));
    return 'linked';
  }

  /** Takes over the file of known content that is not in its place, as after a hand-back that did not end. False if there is none. */
  retake(digest: Digest): boolean {
    return this.unadopted?.take(digest) === true;
  }

  /** Enters content that was just verified and moved into place, delivered from `repositoryId`. `forCaller`: see `CommitMeta`. */
  add(row: ContentInfo, repositoryId: RepositoryId, sums: ChunkSums, forCaller = false): void {
    const known = this.#known(row.digest);
    // A manifest may also be requested as a blob, or come from another upstream with another media type: the first type stays.
    const kept = known?.row.type === 'manifest' ? known.row : row;
    const entry = known ?? { row, presences: new Map() };
    entry.row = { ...row, type: kept.type, mediaType: kept.mediaType };
    this.#ledger.addContent(row.size - (known?.row.size ?? 0), known === undefined ? 1 : 0);
    this.#ghosts.delete(row.digest);
    this.#entries.set(row.digest, entry);
    this.#save(entry, () => {
      this.#put(entry.row);
      this.#index.putSums(row.digest, sums);
      this.#link(entry, repositoryId, forCaller);
    });
  }

  /** Writes entries into the index that could not be written earlier. */
  retryUnsaved(): void {
    for (const entry of this.#unsaved.values()) {
      const linked = [...entry.presences]
        .filter(([, presence]) => presence === 'linked')
        .map(([key]) => repositoryIdOf(key));
      this.#save(entry, () => {
        this.#put(entry.row);
        // Memory does not know for whom a link was made.
        for (const repositoryId of linked) this.#link(entry, repositoryId, true);
      });
    }
    for (const digest of this.#ghosts) if (this.#index.removeContent(digest)) this.#ghosts.delete(digest);
  }

  /** Links content that the upstream has confirmed there. Does nothing for content that is absent or foreign (threat T2). */
  link(digest: Digest, repositoryId: RepositoryId, forCaller = false): void {
    if (this.presence(digest, repositoryId) !== 'unlinked') return;
    const entry = this.#entry(digest);
    if (entry !== undefined) this.#save(entry, () => this.#link(entry, repositoryId, forCaller));
  }

  /** Sums of the chunks; undefined for content that is not verified yet. */
  sums({ digest, size }: ContentInfo): ChunkSums | undefined {
    return this.#index.sums(digest, size);
  }

  setSums(digest: Digest, sums: ChunkSums): void {
    this.#index.putSums(digest, sums);
  }

  /** Forgets content whose file is gone. True if it was known. */
  remove(digest: Digest): boolean {
    const size = this.detach(digest);
    if (size !== undefined) this.#ledger.addContent(-size, -1);
    return size !== undefined;
  }

  /**
   * Forgets content whose file is about to be removed, and returns its size. The ledger of the whole store still counts these bytes; the
   * caller takes them out once the file is removed. Undefined if the content was not known.
   */
  detach(digest: Digest): number | undefined {
    const row = this.#known(digest)?.row;
    if (row === undefined) return undefined;
    for (const upstream of this.#index.upstreamsOf(digest))
      this.#ledger.addDelivered(upstream, -row.size, -1);
    if (!this.#index.removeContent(digest)) this.#ghosts.add(digest);
    this.#entries.delete(digest);
    this.#unsaved.delete(digest);
    return row.size;
  }

  /** Forgets that the upstream delivered the content. Returns how many other upstreams did. */
  removeUpstream(digest: Digest, upstream: string): number {
    const row = this.#known(digest)?.row;
    const upstreams = this.#index.upstreamsOf(digest);
    if (row === undefined || !upstreams.includes(upstream)) return upstreams.length;
    this.#index.removeUpstream(digest, upstream);
    this.#entries.delete(digest);
    this.#ledger.addDelivered(upstream, -row.size, -1);
    return upstreams.length - 1;
  }

  /** Content that can be evicted but is not in the index. */
  unsaved(type: ContentType, upstream: string | undefined): EvictionCandidate[] {
    return [...this.#unsaved.values()]
      .filter(({ row, presences }) => {
        const upstreams = [...presences.keys()].map((key) => repositoryIdOf(key).upstream);
        return row.type === type && (upstream === undefined || upstreams.includes(upstream));
      })
      .map(({ row: { digest, size, storedAt } }) => ({ digest, size, usedAt: storedAt }));
  }

  /** True for removed content whose row is still in the index. */
  isGhost(digest: Digest): boolean {
    return this.#ghosts.has(digest);
  }

  /** Reads everything from the index again. */
  recount(): void {
    this.#entries.clear();
    this.#ledger.resetContent(this.#index.totals(), this.#index.totalsByUpstream());
    for (const { row } of this.#unsaved.values()) {
      if (this.#index.content(row.digest) === undefined) this.#ledger.addContent(row.size);
    }
  }

  #entry(digest: Digest): Entry | undefined {
    return this.#known(digest) ?? this.#adopt(digest);
  }

  #presence(entry: Entry, repositoryId: RepositoryId): StoredPresence {
    const key = keyOf(repositoryId);
    let presence = entry.presences.get(key);
    if (presence === undefined) {
      presence = this.#index.presence(entry.row.digest, repositoryId);
      this.#remember(entry, key, presence);
    }
    return presence;
  }

  #known(digest: Digest): Entry | undefined {
    const recent = this.#entries.get(digest) ?? this.#unsaved.get(digest);
    if (recent !== undefined) return recent;
    const row = this.#ghosts.has(digest) ? undefined : this.#index.content(digest);
    if (row === undefined) return undefined;
    const entry = { row, presences: new Map<string, StoredPresence>() };
    this.#entries.set(digest, entry);
    return entry;
  }

  #adopt(digest: Digest): Entry | undefined {
    const taken = this.unadopted?.take(digest) === true;
    const upstream = taken ? this.unadopted?.upstream : this.soleUpstream;
    const row = recognise(this.#layout.blob(digest), digest);
    if (row === undefined) return undefined;
    const entry = { row, presences: new Map<string, StoredPresence>() };
    this.#entries.set(digest, entry);
    this.#ghosts.delete(digest);
    this.#ledger.addContent(row.size);
    this.#save(entry, () => {
      this.#put(row);
      if (upstream !== undefined) this.#addUpstream(row, upstream);
    });
    return entry;
  }

  #save(entry: Entry, write: () => void): void {
    const { digest } = entry.row;
    if (this.#index.transaction(write)) this.#unsaved.delete(digest);
    else if (this.#unsaved.size < ENTRY_LIMIT) this.#unsaved.set(digest, entry);
  }

  #put(row: ContentInfo): void {
    const now = this.#clock.now();
    this.#index.putContent(row, now, worthOfNew(row.size, now, this.#ledger.smallestLimit));
  }

  #link(entry: Entry, repositoryId: RepositoryId, forCaller: boolean): void {
    this.#addUpstream(entry.row, repositoryId.upstream);
    this.#index.addLink(entry.row.digest, repositoryId, forCaller ? this.#clock.now() : 0);
    // The first known upstream makes content of an unknown repository `foreign` to the others.
    for (const [key, presence] of entry.presences) if (presence !== 'linked') entry.presences.delete(key);
    this.#remember(entry, keyOf(repositoryId), 'linked');
  }

  #addUpstream(row: ContentInfo, upstream: string): void {
    if (this.#index.addUpstream(row.digest, upstream, row.size))
      this.#ledger.addDelivered(upstream, row.size);
  }

  #remember(entry: Entry, key: string, presence: StoredPresence): void {
    if (entry.presences.size >= PRESENCE_LIMIT) entry.presences.clear();
    entry.presences.set(key, presence);
  }
}

function keyOf({ upstream, repository }: RepositoryId): string {
  return `${upstream}/${repository}`;
}

/** Inverts {@link keyOf}: an upstream is `host[:port]` and has no slash. */
function repositoryIdOf(key: string): RepositoryId {
  const slash = key.indexOf('/');
  return { upstream: key.slice(0, slash), repository: key.slice(slash + 1) as RepositoryName };
}
