/** A store in memory for tests of the cache: no index, no eviction, but failures on demand and a count of what is open. */
import type { Hash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LarderError } from '../../src/kit/errors.ts';
import { createDigestHash, digestAlgorithm, digestOf, type Digest } from '../../src/oci/digest.ts';
import type { ByteRange } from '../../src/oci/range.ts';
import { readFileAt } from './read-file.ts';
import type {
  ContentInfo,
  ContentType,
  OpenContent,
  Origin,
  Presence,
  Remains,
  Spool,
  Store,
  StoreStats,
  TagEntry,
  TagKey,
  UpstreamPolicy,
} from '../../src/store/types.ts';

type Meta = { type: ContentType; mediaType?: string; origin: Origin };

interface Body {
  readonly info: ContentInfo;
  readonly content: Buffer;
  readonly upstreams: Set<string>;
  readonly links: Set<string>;
}

export class MemoryStore implements Store {
  readonly bodies = new Map<Digest, Body>();
  /** Beginnings that fills have left, by upstream and digest. */
  readonly left = new Map<string, Buffer>();
  readonly documents = new Map<string, Buffer>();
  /** Content that was found damaged, and where. */
  readonly damaged = new Map<Digest, { content: Buffer; ranges: readonly ByteRange[] }>();
  policies: ReadonlyMap<string, UpstreamPolicy> = new Map();
  /** Bytes that one spool may hold; more is `STORE_FULL`. */
  spoolLimit = Infinity;
  /** False: a body that is right can still not be kept. */
  commits = true;
  /** Files that nobody has closed yet. */
  openFiles = 0;
  readonly #tags = new Map<string, TagEntry>();
  readonly #public = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  info(digest: Digest): ContentInfo | undefined {
    return this.bodies.get(digest)?.info;
  }

  presence(digest: Digest, origin: Origin): Presence {
    const body = this.bodies.get(digest);
    if (body === undefined) return 'absent';
    if (body.links.has(place(origin))) return 'linked';
    return body.upstreams.has(origin.upstream) ? 'unlinked' : 'foreign';
  }

  open(digest: Digest): Promise<OpenContent | undefined> {
    const body = this.bodies.get(digest);
    return Promise.resolve(body === undefined ? undefined : this.#openContent(body));
  }

  read(digest: Digest): Promise<{ info: ContentInfo; content: Buffer } | undefined> {
    return Promise.resolve(this.bodies.get(digest));
  }

  put(digest: Digest, content: Buffer, meta: Meta): Promise<void> {
    this.keep(digest, content, meta);
    return Promise.resolve();
  }

  touch(): void {}

  link(digest: Digest, origin: Origin): void {
    const body = this.bodies.get(digest);
    if (body?.upstreams.has(origin.upstream) === true) body.links.add(place(origin));
  }

  tag(key: TagKey): TagEntry | undefined {
    return this.#tags.get(tagId(key, key.tag, key.acceptClass));
  }

  putTag(key: TagKey, entry: TagEntry): void {
    this.#tags.set(tagId(key, key.tag, key.acceptClass), entry);
  }

  tagClasses(origin: Origin, tag: string): { acceptClass: string; entry: TagEntry }[] {
    const prefix = tagId(origin, tag, '');
    return [...this.#tags]
      .filter(([id]) => id.startsWith(prefix))
      .map(([id, entry]) => ({ acceptClass: id.slice(prefix.length), entry }));
  }

  dropTag(origin: Origin, tag: string): void {
    for (const id of this.#tags.keys()) if (id.startsWith(tagId(origin, tag, ''))) this.#tags.delete(id);
  }

  publicAt(origin: Origin): number | undefined {
    return this.#public.get(place(origin));
  }

  setPublic(origin: Origin, at: number | undefined): void {
    if (at === undefined) this.#public.delete(place(origin));
    else this.#public.set(place(origin), at);
  }

  leftBytes(digest: Digest, origin: Origin): number {
    return this.left.get(`${origin.upstream} ${digest}`)?.length ?? 0;
  }

  spool(digest: Digest, origin: Origin, size: number | undefined): Promise<Spool> {
    if ((size ?? 0) > this.spoolLimit) return Promise.reject(full());
    const id = `${origin.upstream} ${digest}`;
    const beginning = this.left.get(id) ?? Buffer.alloc(0);
    this.left.delete(id);
    return Promise.resolve(new MemorySpool(this, digest, id, beginning));
  }

  remains(digest: Digest): Promise<Remains | undefined> {
    const damaged = this.damaged.get(digest);
    if (damaged === undefined) return Promise.resolve(undefined);
    this.openFiles += 1;
    return Promise.resolve({
      size: damaged.content.length,
      damaged: damaged.ranges,
      read: (buffer: Buffer, offset: number) => Promise.resolve(damaged.content.copy(buffer, 0, offset)),
      close: () => void (this.openFiles -= 1),
    });
  }

  discardRemains(digest: Digest): Promise<void> {
    this.damaged.delete(digest);
    return Promise.resolve();
  }

  readDocument(name: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.documents.get(name));
  }

  writeDocument(name: string, content: Buffer): Promise<void> {
    this.documents.set(name, content);
    return Promise.resolve();
  }

  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void {
    this.policies = policies;
  }

  stats(): StoreStats {
    return { bytes: 0, limitBytes: 0, objects: this.bodies.size, damagedObjects: 0, perUpstream: [] };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Puts content in place and opens it. */
  keep(digest: Digest, content: Buffer, meta: Meta): Body {
    if (digestOf(content, digestAlgorithm(digest)) !== digest) {
      throw new LarderError('UPSTREAM_DIGEST_MISMATCH', `${digest} has other bytes`);
    }
    const known = this.bodies.get(digest);
    const body: Body = {
      info: {
        digest,
        size: content.length,
        type: meta.type,
        mediaType: meta.mediaType,
        storedAt: known?.info.storedAt ?? this.#now(),
      },
      content,
      upstreams: (known?.upstreams ?? new Set()).add(meta.origin.upstream),
      links: (known?.links ?? new Set()).add(place(meta.origin)),
    };
    this.bodies.set(digest, body);
    return body;
  }

  /** A nameless file with `content`. */
  file(content: Buffer): number {
    const path = join(tmpdir(), `larder-test-${process.pid}-${(fileCount += 1)}.spool`);
    const fd = openSync(path, 'wx+');
    rmSync(path);
    if (content.length > 0) writeSync(fd, content, 0, content.length, 0);
    this.openFiles += 1;
    return fd;
  }

  closeFile(fd: number): void {
    closeSync(fd);
    this.openFiles -= 1;
  }

  #openContent(body: Body): OpenContent {
    const fd = this.file(body.content);
    let open = true;
    return {
      ...body.info,
      read: (buffer, offset, end) => {
        const length = Math.min(buffer.length, end - offset);
        return readFileAt(fd, buffer.subarray(0, length), offset);
      },
      close: () => {
        if (open) this.closeFile(fd);
        open = false;
      },
    };
  }
}

let fileCount = 0;

class MemorySpool implements Spool {
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    return readFileAt(this.fd, buffer.subarray(0, Math.min(buffer.length, end - offset)), offset);
  }

  readonly digest: Digest;
  readonly fd: number;
  readonly #store: MemoryStore;
  readonly #id: string;
  readonly #chunks: Buffer[];
  #hash: Hash;
  #offset: number;
  #holders = 1;
  #ended = false;
  #appending = false;

  constructor(store: MemoryStore, digest: Digest, id: string, beginning: Buffer) {
    this.#store = store;
    this.#id = id;
    this.digest = digest;
    this.fd = store.file(beginning);
    this.#chunks = [beginning];
    this.#hash = createDigestHash(digest).update(beginning);
    this.#offset = beginning.length;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Takes a turn of the event loop, as a disk does, so that what is written and what is counted differ for a while. */
  async append(chunks: readonly Buffer[]): Promise<void> {
    if (this.#ended || this.#appending) throw new TypeError('append while another runs, or after the end');
    const bytes = Buffer.concat(chunks);
    if (this.#offset + bytes.length > this.#store.spoolLimit) throw full();
    this.#appending = true;
    writeSync(this.fd, bytes, 0, bytes.length, this.#offset);
    await new Promise((resolve) => setImmediate(resolve));
    this.#appending = false;
    this.#hash.update(bytes);
    this.#chunks.push(bytes);
    this.#offset += bytes.length;
  }

  matches(): boolean {
    return `${digestAlgorithm(this.digest)}:${this.#hash.copy().digest('hex')}` === this.digest;
  }

  forkHash(): Hash {
    return this.#hash.copy();
  }

  async commit(meta: Meta): Promise<OpenContent> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#store.commits) throw new LarderError('STORE_UNAVAILABLE', 'the disk is read-only');
    this.#store.keep(this.digest, Buffer.concat(this.#chunks), meta);
    this.#end();
    return (await this.#store.open(this.digest)) as OpenContent;
  }

  async suspend(): Promise<void> {
    if (this.#ended) return;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#offset > 0) this.#store.left.set(this.#id, Buffer.concat(this.#chunks));
    this.#end();
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#end();
  }

  retain(): void {
    if (this.#holders === 0) throw new TypeError('retain after the file was closed');
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#store.closeFile(this.fd);
  }

  #end(): void {
    this.#ended = true;
    this.release();
  }
}

function full(): LarderError {
  return new LarderError('STORE_FULL', 'no room');
}

function place(origin: Origin): string {
  return `${origin.upstream}/${origin.repository}`;
}

function tagId(origin: Origin, tag: string, acceptClass: string): string {
  return `${place(origin)}:${tag} ${acceptClass}`;
}
