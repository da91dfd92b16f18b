import type { Hash } from 'node:crypto';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { digestAlgorithm, type Digest } from '../../oci/digest.ts';
import { CheckedSpool } from '../sums/checked-spool.ts';
import type { ChunkSummer, ChunkSums } from '../sums/chunk-sums.ts';
import type { Reservation } from '../space/reservation.ts';
import { diskError, isDiskFull, syncData, truncate, writeAll } from '../files/disk.ts';
import type { SharedFile } from '../files/shared-file.ts';
import { sumLogBytes, type SumLog } from '../sums/sum-log.ts';
import type { ContentType, OpenContent, Origin, Spool } from '../types.ts';

export interface CommitMeta {
  readonly type: ContentType;
  readonly mediaType?: string;
  readonly origin: Origin;
  /** True when a part of it is from the damaged file that it replaces. */
  readonly mended?: boolean;
}

/** What a spool needs of the store around it. */
export interface SpoolHome {
  /** Frees disk that others have taken; false when nothing could be freed. */
  relieve(bytes: number): Promise<boolean>;
  /** Moves the synced file into place and enters it into the index, with nothing else in between. */
  settle(spool: SettledSpool, meta: CommitMeta): Promise<OpenContent>;
  /** Takes over file and reservation for a later fill. */
  keep(path: string, reservation: Reservation): void;
  /** False when the file could not be removed: then its bytes still count. */
  remove(path: string): Promise<boolean>;
}

/** A body that is complete, right and on disk. */
export interface SettledSpool {
  readonly digest: Digest;
  readonly path: string;
  readonly file: SharedFile;
  readonly size: number;
  readonly sums: ChunkSums;
  readonly reservation: Reservation;
}

export interface SpoolState {
  readonly digest: Digest;
  readonly path: string;
  readonly file: SharedFile;
  /** Of the first `offset` bytes, like `summer`. */
  readonly hash: Hash;
  readonly summer: ChunkSummer;
  readonly clock: Clock;
  /** Undefined for one that a crash may take. */
  readonly log: SumLog | undefined;
  readonly offset: number;
  readonly reservation: Reservation;
}

/** Reserved at a time for a body whose size nobody has said, when the budget allows so much. */
const UNKNOWN_SIZE_STEP = 1024 * 1024;

/**
 * A body on its way in. Its steps to the store, and what a crash after each leaves behind:
 *
 * 1. `append`: a beginning in `spool/`, of which the next fill of the same upstream continues what its log vouches for.
 * 2. `fdatasync`: the same, complete.
 * 3. rename into `blobs/`: a right file without a row. Rows are made for such files when they are asked for, or by the walk
 *    at the next start.
 * 4. index row, holder and link in one transaction: done.
 *
 * A file in `blobs/` is complete because its data is on disk before the rename. The folder is not synced: a power cut may undo
 * the rename, which costs a download and nothing else, while a sync per blob would cost milliseconds.
 */
export class SpoolFile implements Spool {
  readonly digest: Digest;
  readonly #home: SpoolHome;
  readonly #path: string;
  readonly #file: SharedFile;
  readonly #reservation: Reservation;
  readonly #summer: ChunkSummer;
  readonly #checked: CheckedSpool;
  #log: SumLog | undefined;
  #hash: Hash;
  #offset: number;
  #ended = false;

  constructor(home: SpoolHome, state: SpoolState) {
    this.#home = home;
    this.digest = state.digest;
    this.#path = state.path;
    this.#file = state.file;
    this.#hash = state.hash;
    this.#summer = state.summer;
    this.#checked = new CheckedSpool(state.clock, state.digest, state.file, state.summer);
    this.#log = state.log;
    this.#offset = state.offset;
    this.#reservation = state.reservation;
  }

  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    return this.#checked.read(buffer, offset, end);
  }

  get offset(): number {
    return this.#offset;
  }

  async append(chunks: readonly Buffer[]): Promise<void> {
    this.#assertRunning();
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    await this.#reserve(bytes);
    // The hash runs while the thread pool writes, on a copy: a failed write leaves the state as it was.
    const writing = this.#write(chunks, bytes);
    const hash = this.#hash.copy();
    for (const chunk of chunks) hash.update(chunk);
    await writing;
    const records = this.#summer.update(chunks);
    this.#checked.written();
    this.#log?.append(records);
    this.#hash = hash;
    this.#offset += bytes;
  }

  matches(): boolean {
    return this.#found() === this.digest;
  }

  forkHash(): Hash {
    return this.#hash.copy();
  }

  async commit(meta: CommitMeta): Promise<OpenContent> {
    this.#assertRunning();
    if (!this.matches()) {
      const message =
        `${meta.origin.upstream}/${meta.origin.repository}: expected content ${this.digest}, ` +
        `received ${this.#offset} bytes that hash to ${this.#found()}`;
      await this.discard();
      throw new LarderError('UPSTREAM_DIGEST_MISMATCH', message);
    }
    try {
      await syncData(this.#file.fd);
      // Off the disk before its bytes are given back.
      await this.#endLog((log) => log.remove());
      const content = await this.#home.settle(
        {
          digest: this.digest,
          path: this.#path,
          file: this.#file,
          size: this.#offset,
          sums: this.#summer.sums(),
          reservation: this.#reservation,
        },
        meta,
      );
      this.#end();
      return content;
    } catch (error) {
      throw diskError(`keep ${this.digest}`, error);
    }
  }

  async suspend(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    const bytes = this.#onDisk(this.#offset);
    const log = this.#log;
    await this.#endLog((one) => one.close());
    // What no log vouches for the next fill would cut off, under those who still read it.
    if (this.#offset === 0 || log?.isWhole !== true) return this.#remove();
    this.#reservation.shrinkTo(bytes);
    this.#home.keep(this.#path, this.#reservation);
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    await this.#endLog((log) => log.remove());
    await this.#remove();
  }

  retain(): void {
    this.#file.retain();
  }

  release(): void {
    this.#file.release();
  }

  async #reserve(bytes: number): Promise<void> {
    const missing = () => this.#onDisk(this.#offset + bytes) - this.#reservation.bytes;
    if (missing() <= 0) return;
    // So much may not be there; what is needed now may be, if need be without the log.
    if (missing() < UNKNOWN_SIZE_STEP && (await this.#grow(UNKNOWN_SIZE_STEP))) return;
    if (this.#log !== undefined && !(await this.#grow(missing()))) await this.#endLog((log) => log.remove());
    if (missing() > 0) await this.#reservation.grow(missing());
  }

  /** False when there is no room. */
  async #grow(bytes: number): Promise<boolean> {
    return this.#reservation.grow(bytes).then(
      () => true,
      () => false,
    );
  }

  async #write(chunks: readonly Buffer[], bytes: number): Promise<void> {
    try {
      await writeAll(this.#file.fd, chunks, this.#offset);
    } catch (error) {
      if (!isDiskFull(error) || !(await this.#home.relieve(bytes))) return this.#undo(error);
      await writeAll(this.#file.fd, chunks, this.#offset).catch((again: unknown) => this.#undo(again));
    }
  }

  /** A failed write may have left a part of its bytes: the file ends where the hash ends. */
  async #undo(error: unknown): Promise<never> {
    try {
      await truncate(this.#file.fd, this.#offset);
    } catch {
      // The next write covers what is left there, and a resumed file is hashed as it is.
    }
    throw diskError(`write ${this.digest}`, error);
  }

  #onDisk(size: number): number {
    return size + (this.#log === undefined ? 0 : sumLogBytes(size));
  }

  #found(): string {
    return `${digestAlgorithm(this.digest)}:${this.#hash.copy().digest('hex')}`;
  }

  #assertRunning(): void {
    if (this.#ended) throw new LarderError('INTERNAL', `the spool of ${this.digest} has ended`);
  }

  async #endLog(end: (log: SumLog) => Promise<void>): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    if (log !== undefined) await end(log);
  }

  async #remove(): Promise<void> {
    if (await this.#home.remove(this.#path)) this.#reservation.release();
  }

  #end(): void {
    this.#ended = true;
    this.#file.release();
  }
}
