import { fstatSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import { CheckedFile, type CheckedFileDeps } from '../sums/checked-file.ts';
import type { ChunkSums } from '../sums/chunk-sums.ts';
import type { SharedFile } from '../files/shared-file.ts';
import type { ContentInfo, ContentType, OpenContent } from '../types.ts';

interface Entry {
  readonly info: ContentInfo;
  readonly checked: CheckedFile;
  /** True if it was requested since the last {@link OpenFiles.closeIdle}. */
  isRecent: boolean;
}

/** Bytes of sums in memory beyond which idle files are closed: those of 64 GiB of content. */
const IDLE_SUMS_BYTES = 8 * 1024 * 1024;

/**
 * Open files of the store, shared by all their readers. Beyond `idleLimit` files, the least recently used ones without a reader are closed.
 * A warm hit costs one `fstat` (1 us) instead of an `open` through the thread pool (130 us). The `fstat` shows that the file was neither
 * removed nor cut. Reads are checked, see {@link CheckedFile}.
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

  /** Returns a handle on an open file. Undefined if it is not open, or has changed on disk since (it is forgotten then). */
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

  /** Takes over one ownership of `file`, and returns a first handle on it. */
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

  /** Closes the file as soon as it has no reader. Calls `closed` when it is closed, or at once if the last reader will close it. */
  drop(digest: Digest, closed: () => void = () => {}): void {
    const entry = this.#entries.get(digest);
    this.#entries.delete(digest);
    if (entry === undefined) closed();
    else entry.checked.file.release(closed);
  }

  /** Closes files without a reader that were not requested since the last call: a file is closed after one to two intervals. */
  closeIdle(): void {
    for (const [digest, entry] of this.#entries) {
      if (entry.checked.file.owners === 1 && !entry.isRecent) this.drop(digest);
      entry.isRecent = false;
    }
  }

  /** True while the file has a reader. */
  busy(digest: Digest): boolean {
    return (this.#entries.get(digest)?.checked.file.owners ?? 0) > 1;
  }

  /** Sum of the sizes of files that are {@link OpenFiles.busy}. */
  busyBytes(): number {
    let bytes = 0;
    for (const { info, checked } of this.#entries.values()) if (checked.file.owners > 1) bytes += info.size;
    return bytes;
  }

  /** Closes all files; handles stay usable. */
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
