/** A store in memory for tests of the cache: no index and no eviction. It fails on demand and counts open files. */
import type { Digest } from '../../src/oci/digest.ts';
import type { Store, StoreStats, UpstreamPolicy } from '../../src/store/types.ts';
import { MemoryContent, type Body, type Meta } from './memory/content.ts';
import { MemoryDisk } from './memory/disk.ts';
import { MemoryDocuments } from './memory/documents.ts';
import { MemoryPublicRepositories } from './memory/public-repositories.ts';
import { MemorySpools } from './memory/spools.ts';
import { MemoryTags } from './memory/tags.ts';

/** The sum of one stand-in for each interface of a store, and of the disk that they share. */
export class MemoryStore extends MemoryDisk implements Store {
  readonly #content: MemoryContent;
  readonly #spools: MemorySpools;
  readonly #tags = new MemoryTags();
  readonly #publicRepositories = new MemoryPublicRepositories();
  readonly #documents = new MemoryDocuments();
  policies: ReadonlyMap<string, UpstreamPolicy> = new Map();

  constructor(now: () => number = () => 0) {
    super();
    this.#content = new MemoryContent(this, now);
    this.#spools = new MemorySpools(this, this.#content);
  }

  get bodies(): MemoryContent['bodies'] {
    return this.#content.bodies;
  }

  get left(): MemorySpools['left'] {
    return this.#spools.left;
  }

  get damaged(): MemorySpools['damaged'] {
    return this.#spools.damaged;
  }

  get documents(): MemoryDocuments['documents'] {
    return this.#documents.documents;
  }

  keep(digest: Digest, content: Buffer, meta: Meta): Body {
    return this.#content.keep(digest, content, meta);
  }

  info: Store['info'] = (digest) => this.#content.info(digest);
  presence: Store['presence'] = (digest, repositoryId) => this.#content.presence(digest, repositoryId);
  open: Store['open'] = (digest) => this.#content.open(digest);
  read: Store['read'] = (digest) => this.#content.read(digest);
  put: Store['put'] = (digest, content, meta) => this.#content.put(digest, content, meta);
  touch: Store['touch'] = () => this.#content.touch();
  link: Store['link'] = (digest, repositoryId) => this.#content.link(digest, repositoryId);

  tag: Store['tag'] = (key) => this.#tags.tag(key);
  putTag: Store['putTag'] = (key, entry) => this.#tags.putTag(key, entry);
  tagClasses: Store['tagClasses'] = (repositoryId, tag) => this.#tags.tagClasses(repositoryId, tag);
  dropTag: Store['dropTag'] = (repositoryId, tag) => this.#tags.dropTag(repositoryId, tag);

  publicAt: Store['publicAt'] = (repositoryId) => this.#publicRepositories.publicAt(repositoryId);
  setPublic: Store['setPublic'] = (repositoryId, at) => this.#publicRepositories.setPublic(repositoryId, at);

  spool: Store['spool'] = (digest, repositoryId, size) => this.#spools.spool(digest, repositoryId, size);
  partialBytes: Store['partialBytes'] = (digest, repositoryId) =>
    this.#spools.partialBytes(digest, repositoryId);
  remains: MemorySpools['remains'] = (digest) => this.#spools.remains(digest);
  discardRemains: Store['discardRemains'] = (digest) => this.#spools.discardRemains(digest);

  readDocument: Store['readDocument'] = (name) => this.#documents.readDocument(name);
  writeDocument: Store['writeDocument'] = (name, content) => this.#documents.writeDocument(name, content);

  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void {
    this.policies = policies;
  }

  stats(): StoreStats {
    return { bytes: 0, limitBytes: 0, objects: this.bodies.size, damagedObjects: 0, perUpstream: [] };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
