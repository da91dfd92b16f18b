import { fstatSync } from 'node:fs';
import type { Digest } from '../oci/digest.ts';
import type { SharedFile } from './shared-file.ts';
import type { ContentInfo, ContentType, OpenContent } from './types.ts';

interface Entry {
  readonly info: ContentInfo;
  readonly file: SharedFile;
  readonly mtimeMs: number;
  /** Somebody asked for it since {@link OpenFiles.closeIdle} came by. */
  isRecent: boolean;
}

/**
 * Files of the store that are open, shared by all their readers, and the least recently used ones beyond `idleLimit` closed.
 * A warm hit costs one `fstat` (1 us) in place of an `open` through the thread pool (130 us), and the `fstat` proves that the
 * file is still the one that was verified: nobody has removed it, cut it or written to it.
 */
export class OpenFiles {
  readonly #idleLimit: number;
  /** Least recently used first. */
  readonly #entries = new Map<Digest, Entry>();

  constructor(idleLimit: number) {
    this.#idleLimit = idleLimit;
  }

  /** A handle on an open file; undefined when it is not open, or changed on disk since (then it is forgotten here). */
  get(digest: Digest): OpenContent | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    const { size, mtimeMs, nlink } = fstatSync(entry.file.fd);
    if (nlink === 0 || size !== entry.info.size || mtimeMs !== entry.mtimeMs) {
      this.drop(digest);
      return undefined;
    }
    entry.isRecent = true;
    this.#entries.delete(digest);
    this.#entries.set(digest, entry);
    return new Handle(entry);
  }

  /** Takes over one ownership of `file`, which was just verified, and gives a first handle on it. */
  add(info: ContentInfo, file: SharedFile, mtimeMs: number): OpenContent {
    this.drop(info.digest);
    const entry = { info, file, mtimeMs, isRecent: true };
    this.#entries.set(info.digest, entry);
    const handle = new Handle(entry);
    this.#trim();
    return handle;
  }

  /** Closes the file as soon as nobody reads it. `closed` is called when it is, or when readers are left to close it. */
  drop(digest: Digest, closed: () => void = () => {}): void {
    const entry = this.#entries.get(digest);
    this.#entries.delete(digest);
    if (entry === undefined) closed();
    else entry.file.release(closed);
  }

  /** Closes what nobody reads now or has asked for since the last call: called every so often, it closes files idle for up to twice as long. */
  closeIdle(): void {
    for (const [digest, entry] of this.#entries) {
      if (entry.file.owners === 1 && !entry.isRecent) this.drop(digest);
      entry.isRecent = false;
    }
  }

  /** True while somebody beside this pool holds the file. */
  busy(digest: Digest): boolean {
    return (this.#entries.get(digest)?.file.owners ?? 0) > 1;
  }

  /** Sum of the sizes of what is {@link OpenFiles.busy}. */
  busyBytes(): number {
    let bytes = 0;
    for (const { info, file } of this.#entries.values()) if (file.owners > 1) bytes += info.size;
    return bytes;
  }

  /** Lets go of everything; handles stay usable. */
  close(): void {
    for (const digest of this.#entries.keys()) this.drop(digest);
  }

  #trim(): void {
    let excess = this.#entries.size - this.#idleLimit;
    for (const [digest, { file }] of this.#entries) {
      if (excess <= 0) return;
      if (file.owners === 1) {
        this.drop(digest);
        excess -= 1;
      }
    }
  }
}

class Handle implements OpenContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  readonly mediaType: string | undefined;
  readonly storedAt: number;
  readonly #file: SharedFile;
  #open = true;

  constructor({ info, file }: Entry) {
    this.digest = info.digest;
    this.size = info.size;
    this.type = info.type;
    this.mediaType = info.mediaType;
    this.storedAt = info.storedAt;
    this.#file = file.retain();
  }

  get fd(): number {
    return this.#file.fd;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.release();
  }
}
