import { fstatSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import { CheckedFile, type CheckedFileDeps } from '../sums/checked-file.ts';
import type { ChunkSums } from '../sums/chunk-sums.ts';
import type { SharedFile } from '../files/shared-file.ts';
import type { ContentInfo, ContentType, OpenContent } from '../types.ts';

interface Entry {
  readonly info: ContentInfo;
  readonly checked: CheckedFile;
  /** Somebody asked for it since {@link OpenFiles.closeIdle} came by. */
  isRecent: boolean;
}

/** What idle files may hold in memory besides their descriptors, in bytes: the sums of 64 GiB of content. */
const IDLE_SUMS_BYTES = 8 * 1024 * 1024;

/**
 * Files of the store that are open, shared by all their readers, and the least recently used ones beyond `idleLimit` closed.
 * A warm hit costs one `fstat` (1 us) in place of an `open` through the thread pool (130 us), and the `fstat` shows that nobody has
 * removed or cut the file. What is read of it is checked, see {@link CheckedFile}.
 */
export class OpenFiles {
  readonly #deps: CheckedFileDeps;
  readonly #idleLimit: number;
  /** Least recently used first. */
  readonly #entries = new Map<Digest, Entry>();

  constructor(deps: CheckedFileDeps, idleLimit: number) {
    this.#deps = deps;
    this.#idleLimit = idleLimit;
  }

  /** A handle on an open file; undefined when it is not open, or changed on disk since (then it is forgotten here). */
  get(digest: Digest): OpenContent | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    const { size, nlink } = fstatSync(entry.checked.file.fd);
    if (nlink === 0 || size !== entry.info.size) {
      this.drop(digest);
      return undefined;
    }
    entry.isRecent = true;
    this.#entries.delete(digest);
    this.#entries.set(digest, entry);
    return new Handle(entry);
  }

  /** Takes over one ownership of `file`, and gives a first handle on it. */
  add(info: ContentInfo, file: SharedFile, sums: ChunkSums): OpenContent {
    const { digest, size } = info;
    this.drop(digest);
    const checked = new CheckedFile(this.#deps, file, { digest, size, sums });
    const entry = { info, checked, isRecent: true };
    this.#entries.set(digest, entry);
    const handle = new Handle(entry);
    this.#trim();
    return handle;
  }

  /** Closes the file as soon as nobody reads it. `closed` is called when it is, or when readers are left to close it. */
  drop(digest: Digest, closed: () => void = () => {}): void {
    const entry = this.#entries.get(digest);
    this.#entries.delete(digest);
    if (entry === undefined) closed();
    else entry.checked.file.release(closed);
  }

  /** Closes what nobody reads now or has asked for since the last call: called every so often, it closes files idle for up to twice as long. */
  closeIdle(): void {
    for (const [digest, entry] of this.#entries) {
      if (entry.checked.file.owners === 1 && !entry.isRecent) this.drop(digest);
      entry.isRecent = false;
    }
  }

  /** True while somebody beside this pool holds the file. */
  busy(digest: Digest): boolean {
    return (this.#entries.get(digest)?.checked.file.owners ?? 0) > 1;
  }

  /** Sum of the sizes of what is {@link OpenFiles.busy}. */
  busyBytes(): number {
    let bytes = 0;
    for (const { info, checked } of this.#entries.values()) if (checked.file.owners > 1) bytes += info.size;
    return bytes;
  }

  /** Lets go of everything; handles stay usable. */
  close(): void {
    for (const digest of this.#entries.keys()) this.drop(digest);
  }

  #trim(): void {
    let excess = this.#entries.size - this.#idleLimit;
    let excessBytes = this.#sumsBytes() - IDLE_SUMS_BYTES;
    for (const [digest, { checked }] of this.#entries) {
      if (excess <= 0 && excessBytes <= 0) return;
      if (checked.file.owners === 1) {
        this.drop(digest);
        excess -= 1;
        excessBytes -= checked.sums.byteLength;
      }
    }
  }

  #sumsBytes(): number {
    let bytes = 0;
    for (const { checked } of this.#entries.values()) bytes += checked.sums.byteLength;
    return bytes;
  }
}

class Handle implements OpenContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  readonly mediaType: string | undefined;
  readonly storedAt: number;
  readonly #checked: CheckedFile;
  #open = true;

  constructor({ info, checked }: Entry) {
    this.digest = info.digest;
    this.size = info.size;
    this.type = info.type;
    this.mediaType = info.mediaType;
    this.storedAt = info.storedAt;
    this.#checked = checked;
    checked.file.retain();
  }

  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    return this.#checked.read(buffer, offset, end);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#checked.file.release();
  }
}
