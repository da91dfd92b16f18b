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
import type { CommitMeta, OpenContent, Spool } from '../types.ts';

/** The store as one spool sees it. */
export interface SpoolHome {
  /** Makes room on a full disk. False if that is not possible. */
  freeDisk(bytes: number): Promise<boolean>;
  /** Moves the synced file into place and enters it into the index, without a turn of the event loop in between. */
  commit(spool: VerifiedBody, meta: CommitMeta): Promise<OpenContent>;
  /** Takes over file and reservation of a partial body. */
  keep(path: string, reservation: Reservation): void;
  /** Removes the file. False if that failed: its bytes still count then. */
  remove(path: string): Promise<boolean>;
}

/** A complete body on disk whose bytes hash to the digest. */
export interface VerifiedBody {
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
  /** Hash of the first `offset` bytes; `summer` has their sums. */
  readonly hash: Hash;
  readonly summer: ChunkSummer;
  readonly clock: Clock;
  /** Undefined: a crash loses the spool. */
  readonly log: SumLog | undefined;
  readonly offset: number;
  readonly reservation: Reservation;
}

/** Bytes reserved at a time for a body of unknown size, if the budget allows. */
const UNKNOWN_SIZE_STEP = 1024 * 1024;

/**
 * A body on its way in. Its steps, and what a crash after each leaves behind:
 *
 * 1. `append`: a partial body in `spool/`. The next fill of the same upstream continues it as far as its log vouches for it.
 * 2. `fdatasync`: the same, with all bytes.
 * 3. rename into `blobs/`: a verified file without a row. It gets its row when it is requested, or by the walk at the next start.
 * 4. index row, upstream and link in one transaction: nothing is missing.
 *
 * A file in `blobs/` is complete because its data is on disk before the rename. The folder is not synced. A power cut may undo the rename,
 * which costs a download and nothing else; a sync for each blob would cost milliseconds.
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
    // Hashes a copy while the thread pool writes: a failed write leaves the state unchanged.
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
    return this.#foundDigest() === this.digest;
  }

  forkHash(): Hash {
    return this.#hash.copy();
  }

  async commit(meta: CommitMeta): Promise<OpenContent> {
    this.#assertRunning();
    if (!this.matches()) {
      const message =
        `${meta.repositoryId.upstream}/${meta.repositoryId.repository}: expected content ${this.digest}, ` +
        `received ${this.#offset} bytes that hash to ${this.#foundDigest()}`;
      await this.discard();
      throw new LarderError('UPSTREAM_DIGEST_MISMATCH', message);
    }
    try {
      await syncData(this.#file.fd);
      // The log must be off the disk before its bytes are given back.
      await this.#endLog((log) => log.remove());
      const content = await this.#home.commit(
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
    // The next fill would cut off bytes that no log vouches for, while readers still read them.
    if (this.#offset === 0 || log?.isComplete !== true) return this.#remove();
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
    // A whole step may not fit. The bytes needed now may, perhaps only without the log.
    if (missing() < UNKNOWN_SIZE_STEP && (await this.#grow(UNKNOWN_SIZE_STEP))) return;
    if (this.#log !== undefined && !(await this.#grow(missing()))) await this.#endLog((log) => log.remove());
    if (missing() > 0) await this.#reservation.grow(missing());
  }

  /** False if there is no room. */
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
      if (!isDiskFull(error) || !(await this.#home.freeDisk(bytes))) return this.#undo(error);
      await writeAll(this.#file.fd, chunks, this.#offset).catch((again: unknown) => this.#undo(again));
    }
  }

  /** Cuts off what a failed write left, so that the file ends where the hash ends. */
  async #undo(error: unknown): Promise<never> {
    try {
      await truncate(this.#file.fd, this.#offset);
    } catch {
      // The next write overwrites the rest, and a resumed file is hashed as it is.
    }
    throw diskError(`write ${this.digest}`, error);
  }

  #onDisk(size: number): number {
    return size + (this.#log === undefined ? 0 : sumLogBytes(size));
  }

  #foundDigest(): string {
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
