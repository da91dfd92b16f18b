import type { Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { LarderError } from '../../../src/kit/errors.ts';
import { createDigestHash, digestAlgorithm, type Digest } from '../../../src/oci/digest.ts';
import type { ByteRange } from '../../../src/oci/range.ts';
import type { OpenContent, RepositoryId, Remains, Spool, SpoolStore } from '../../../src/store/types.ts';
import { readFileAt } from '../read-file.ts';
import type { MemoryContent, Meta } from './content.ts';
import type { MemoryDisk } from './disk.ts';

export class MemorySpools implements SpoolStore {
  /** Partial bodies by upstream and digest. */
  readonly left = new Map<string, Buffer>();
  /** Content that was found damaged, and where. */
  readonly damaged = new Map<Digest, { content: Buffer; ranges: readonly ByteRange[] }>();
  readonly disk: MemoryDisk;
  readonly content: MemoryContent;

  constructor(disk: MemoryDisk, content: MemoryContent) {
    this.disk = disk;
    this.content = content;
  }

  partialBytes(digest: Digest, repositoryId: RepositoryId): number {
    return this.left.get(`${repositoryId.upstream} ${digest}`)?.length ?? 0;
  }

  spool(digest: Digest, repositoryId: RepositoryId, size: number | undefined): Promise<Spool> {
    if ((size ?? 0) > this.disk.spoolLimit) return Promise.reject(full());
    const id = `${repositoryId.upstream} ${digest}`;
    const beginning = this.left.get(id) ?? Buffer.alloc(0);
    this.left.delete(id);
    return Promise.resolve(new MemorySpool(this, digest, id, beginning));
  }

  remains(digest: Digest): Promise<Remains | undefined> {
    const damaged = this.damaged.get(digest);
    if (damaged === undefined) return Promise.resolve(undefined);
    this.disk.openFiles += 1;
    return Promise.resolve({
      size: damaged.content.length,
      damaged: damaged.ranges,
      read: (buffer: Buffer, offset: number) => Promise.resolve(damaged.content.copy(buffer, 0, offset)),
      close: () => void (this.disk.openFiles -= 1),
    });
  }

  discardRemains(digest: Digest): Promise<void> {
    this.damaged.delete(digest);
    return Promise.resolve();
  }
}

class MemorySpool implements Spool {
  readonly digest: Digest;
  readonly #fd: number;
  readonly #spools: MemorySpools;
  readonly #id: string;
  readonly #chunks: Buffer[];
  readonly #hash: Hash;
  #offset: number;
  #owners = 1;
  #ended = false;
  #appending = false;

  constructor(spools: MemorySpools, digest: Digest, id: string, beginning: Buffer) {
    this.#spools = spools;
    this.#id = id;
    this.digest = digest;
    this.#fd = spools.disk.file(beginning);
    this.#chunks = [beginning];
    this.#hash = createDigestHash(digest).update(beginning);
    this.#offset = beginning.length;
  }

  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    return readFileAt(this.#fd, buffer.subarray(0, Math.min(buffer.length, end - offset)), offset);
  }

  get offset(): number {
    return this.#offset;
  }

  /** Takes a turn of the event loop, as a disk does: for a while, written and counted bytes differ. */
  async append(chunks: readonly Buffer[]): Promise<void> {
    if (this.#ended || this.#appending) throw new TypeError('append while another runs, or after the end');
    const bytes = Buffer.concat(chunks);
    if (this.#offset + bytes.length > this.#spools.disk.spoolLimit) throw full();
    this.#appending = true;
    writeSync(this.#fd, bytes, 0, bytes.length, this.#offset);
    await nextTurn();
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
    await nextTurn();
    const { disk, content } = this.#spools;
    if (!disk.commits) throw new LarderError('STORE_UNAVAILABLE', 'the disk is read-only');
    content.keep(this.digest, Buffer.concat(this.#chunks), meta);
    this.#end();
    return (await content.open(this.digest)) as OpenContent;
  }

  async suspend(): Promise<void> {
    if (this.#ended) return;
    await nextTurn();
    if (this.#offset > 0) this.#spools.left.set(this.#id, Buffer.concat(this.#chunks));
    this.#end();
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    await nextTurn();
    this.#end();
  }

  retain(): void {
    if (this.#owners === 0) throw new TypeError('retain after the file was closed');
    this.#owners += 1;
  }

  release(): void {
    this.#owners -= 1;
    if (this.#owners === 0) this.#spools.disk.closeFile(this.#fd);
  }

  #end(): void {
    this.#ended = true;
    this.release();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function full(): LarderError {
  return new LarderError('STORE_FULL', 'no room');
}
