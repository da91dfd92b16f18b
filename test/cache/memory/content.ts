import { LarderError } from '../../../src/kit/errors.ts';
import { digestAlgorithm, digestOf, type Digest } from '../../../src/oci/digest.ts';
import type {
  ContentInfo,
  ContentStore,
  ContentType,
  OpenContent,
  RepositoryId,
  Presence,
} from '../../../src/store/types.ts';
import { readFileAt } from '../read-file.ts';
import type { MemoryDisk } from './disk.ts';
import { placeOf } from './tags.ts';

export type Meta = { type: ContentType; mediaType?: string; repositoryId: RepositoryId };

export interface Body {
  readonly info: ContentInfo;
  readonly content: Buffer;
  readonly upstreams: Set<string>;
  readonly links: Set<string>;
}

/** Content in memory, without an index and without eviction. */
export class MemoryContent implements ContentStore {
  readonly bodies = new Map<Digest, Body>();
  readonly #disk: MemoryDisk;
  readonly #now: () => number;

  constructor(disk: MemoryDisk, now: () => number) {
    this.#disk = disk;
    this.#now = now;
  }

  info(digest: Digest): ContentInfo | undefined {
    return this.bodies.get(digest)?.info;
  }

  presence(digest: Digest, repositoryId: RepositoryId): Presence {
    const body = this.bodies.get(digest);
    if (body === undefined) return 'absent';
    if (body.links.has(placeOf(repositoryId))) return 'linked';
    return body.upstreams.has(repositoryId.upstream) ? 'unlinked' : 'foreign';
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

  link(digest: Digest, repositoryId: RepositoryId): void {
    const body = this.bodies.get(digest);
    if (body?.upstreams.has(repositoryId.upstream) === true) body.links.add(placeOf(repositoryId));
  }

  /** Stores a verified body at once. */
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
      upstreams: (known?.upstreams ?? new Set()).add(meta.repositoryId.upstream),
      links: (known?.links ?? new Set()).add(placeOf(meta.repositoryId)),
    };
    this.bodies.set(digest, body);
    return body;
  }

  #openContent(body: Body): OpenContent {
    const fd = this.#disk.file(body.content);
    let open = true;
    return {
      ...body.info,
      read: (buffer, offset, end) => {
        const length = Math.min(buffer.length, end - offset);
        return readFileAt(fd, buffer.subarray(0, length), offset);
      },
      close: () => {
        if (open) this.#disk.closeFile(fd);
        open = false;
      },
    };
  }
}
