import type { Hash } from 'node:crypto';
import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError, type ErrorCode } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentStore, OpenContent, Remains, Spool, SpoolStore } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { ByteSource } from './byte-source.ts';
import { repositoryIdOf } from '../access/target.ts';
import { createBodyRepair } from './repair-body.ts';
import type { Requesters } from './requesters.ts';
import { UpstreamBlob, type FillRequest } from './upstream-blob.ts';

/**
 * Bytes of a body held back until its digest is right: no caller ever receives a complete wrong body
 * (docs/laws.md, "Right bytes"). A blob up to this size is not begun before its digest is right.
 */
export const HOLD_BACK_BYTES = 64 * 1024;

/** Time after which a fill without readers ends, unless finishing is cheaper than starting over. */
const IDLE_GRACE_MS = 10_000;

/** A fill with no more than this missing is always finished: a new connection costs about as much. */
const CHEAP_REMAINDER_BYTES = 16 * 1024 * 1024;

export interface FillDeps {
  readonly store: SpoolStore & Pick<ContentStore, 'link'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The one download of a blob (docs/laws.md, "One body"). Appends the upstream's bytes to a spool file and wakes the readers
 * there. Readers never slow, stop or restart the fill. A body that the upstream cuts is resumed with a closed range from the
 * registry's own URL.
 *
 * A fill goes on while it has readers. Without readers it still finishes if no more is missing than it has, or than 16 MiB.
 * Otherwise it waits 10 s for a new reader, then stops, and its bytes stay for the next fill.
 *
 * The class stays in one file of more than 350 lines, because every method reads or moves the same state.
 */
export class Fill implements ByteSource {
  readonly digest: Digest;
  /** The requesters on whose behalf the fill asks. */
  readonly requesters: Requesters;
  /** Resolves when the upstream has accepted; `size` is final then. Rejects if there is nothing to read. */
  readonly opened: Promise<void>;

  readonly #deps: FillDeps;
  readonly #request: FillRequest;
  readonly #controller = new AbortController();
  readonly #blob: UpstreamBlob;
  readonly #waiters = new Set<{ offset: number; resolve: () => void; reject: (reason: unknown) => void }>();
  #open!: { resolve: () => void; reject: (reason: unknown) => void };
  #spool: Spool | undefined;
  /** The stored content after the commit, for the remaining readers. A slow one may read it for hours. */
  #content: OpenContent | undefined;
  #verifiedSize: number | undefined;
  #limit = 0;
  #readers = 0;
  #startedAt = 0;
  #startOffset = 0;
  #failure: unknown;
  #state: 'opening' | 'running' | 'done' | 'failed' = 'opening';
  #unclaimed: UpstreamResponse | undefined;
  #cancelIdle: (() => void) | undefined;
  /** True if a part of the body comes from a damaged file. */
  #isRepair = false;

  constructor(deps: FillDeps, request: FillRequest) {
    this.#deps = deps;
    this.#request = request;
    this.#blob = new UpstreamBlob(deps, request, this.#controller.signal);
    this.digest = request.digest;
    this.requesters = request.requesters;
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve, reject };
    });
    this.opened.catch(() => {});
  }

  /** Undefined while opening, and if the upstream does not state it. */
  get size(): number | undefined {
    return this.#verifiedSize ?? this.#blob.size;
  }

  get #isVerified(): boolean {
    return this.#verifiedSize !== undefined;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * Throws `STORE_DAMAGED` if the disk does not hold the bytes that were written. The fill goes on, and its stored content
   * is repaired.
   */
  read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    if (this.#content !== undefined) return this.#content.read(buffer, offset, end);
    if (this.#spool === undefined) throw new TypeError('a fill is read only after it has opened');
    return this.#spool.read(buffer, offset, Math.min(end, this.#limit));
  }

  /** The error that ended the fill, if it failed. */
  get failure(): unknown {
    return this.#failure;
  }

  /** True until the upstream has accepted, or has refused all requesters. */
  get isOpening(): boolean {
    return this.#state === 'opening';
  }

  /** False once the fill has ended or begun to stop. A later caller needs the store or another fill. */
  get joinable(): boolean {
    return (this.#state === 'opening' || this.#state === 'running') && !this.#controller.signal.aborted;
  }

  /** Adds a reader, which must call {@link release} once. False if the fill is not running: there is nothing to read then. */
  retain(): boolean {
    if (this.#state !== 'running' || !this.joinable) return false;
    this.#spool?.retain();
    this.#readers += 1;
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    return true;
  }

  release(): void {
    this.#spool?.release();
    this.#readers -= 1;
    if (this.#readers > 0) return;
    this.#content?.close();
    if (this.#state === 'running') this.#whenIdle();
  }

  grown(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#limit > offset || this.#isVerified) return resolve();
      if (this.#state === 'failed') return reject(this.#failure);
      if (signal.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason as Error);
      };
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      const waiter = {
        offset,
        resolve: () => (settle(), resolve()),
        reject: (reason: unknown) => (settle(), reject(reason)),
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      return undefined;
    });
  }

  /** Estimated milliseconds until `offset` can be read, at the rate of this fill so far. 0 while no rate is known. */
  estimateMs(offset: number): number {
    if (offset < this.#limit || this.#spool === undefined) return 0;
    const elapsed = this.#deps.clock.monotonic() - this.#startedAt;
    const received = this.#spool.offset - this.#startOffset;
    if (elapsed < 500) return 0;
    return received === 0 ? Infinity : ((offset - this.#limit) * elapsed) / received;
  }

  /**
   * After a failure of the store: the hash of all bytes up to `limit`, for a reader that continues from the upstream
   * itself.
   */
  forkHash(): Hash | undefined {
    return this.#spool?.forkHash();
  }

  /** The upstream's answer of a fill that could not be stored. The first caller gets it and then owns it. */
  claim(): UpstreamResponse | undefined {
    const response = this.#unclaimed;
    this.#unclaimed = undefined;
    return response;
  }

  /** Does all the work. Resolves when the fill has ended, well or not. Never rejects: failures go to the readers. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#controller.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const spool = await this.#begin();
      await this.#finish(spool);
    } catch (error) {
      await this.#fail(error);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#cancelIdle?.();
    }
  }

  /**
   * Opens spool and upstream, and copies. For a spool that an earlier fill left complete, only checks that the upstream
   * has the blob.
   */
  async #begin(): Promise<Spool> {
    const { store } = this.#deps;
    const { digest, expectedSize } = this.#request;
    const repositoryId = repositoryIdOf(this.requesters.current);
    const remains = await store.remains(digest, repositoryId);
    if (remains !== undefined) {
      const repaired = await this.#repair(remains);
      if (repaired !== undefined) return repaired;
    }
    // If the size is known, room is reserved before the first byte. Otherwise the answer must state it first.
    if (expectedSize !== undefined || store.partialBytes(digest, repositoryId) > 0) {
      this.#spool = await store.spool(digest, repositoryId, expectedSize);
      if (this.#spool.offset > 0 && this.#spool.matches()) {
        await this.#blob.checkExists();
        this.#opened(this.#spool);
        return this.#spool;
      }
    }
    const response = await this.#blob.open(this.#spool?.offset ?? 0);
    try {
      this.#spool ??= await store.spool(digest, repositoryId, response.contentLength);
    } catch (error) {
      this.#unclaimed = response;
      // Callers that wait for the fill take the answer in this turn. Otherwise it is closed.
      setImmediate(() => this.claim()?.body.destroy());
      throw error;
    }
    const spool = this.#spool;
    this.#opened(spool);
    await this.#blob.copyTo(spool, response, () => this.#advance(spool));
    return spool;
  }

  /**
   * Copies the undamaged parts of a damaged file, and fetches the others. If there is no room for both files, discards the
   * damaged one and returns undefined.
   */
  async #repair(remains: Remains): Promise<Spool | undefined> {
    const { store } = this.#deps;
    const { digest } = this.#request;
    try {
      const spool = await store.spool(digest, repositoryIdOf(this.requesters.current), remains.size);
      this.#spool = spool;
      this.#isRepair = true;
      this.#blob.assume(remains.size);
      const repair = createBodyRepair(remains, spool, this.#blob, this.#controller.signal);
      const first = await repair.begin();
      this.#opened(spool);
      await repair.copy(first, () => this.#advance(spool));
      return spool;
    } catch (error) {
      if (this.#spool !== undefined || !isStoreFailure(error)) throw error;
      await store.discardRemains(digest);
      return undefined;
    } finally {
      remains.close();
    }
  }

  #opened(spool: Spool): void {
    this.#startedAt = this.#deps.clock.monotonic();
    this.#startOffset = spool.offset;
    this.#state = 'running';
    spool.retain();
    this.#advance(spool);
    this.#open.resolve();
    // The readers may have left while the fill opened.
    this.#whenIdle();
  }

  /**
   * Proves the body, and commits it before readers get its end: a client that has pulled it and asks again finds it in the
   * store.
   */
  async #finish(spool: Spool): Promise<void> {
    if (!spool.matches() || spool.offset !== (this.size ?? spool.offset)) {
      throw new LarderError(
        'UPSTREAM_DIGEST_MISMATCH',
        `${this.requesters.current.upstream.name} sent ${spool.offset} bytes for ${this.digest} with another digest or size; they were discarded`,
      );
    }
    try {
      this.#content = await spool.commit({
        type: 'blob',
        repositoryId: repositoryIdOf(this.requesters.current),
        forCaller: this.requesters.isForCallersIn(this.requesters.current.repository),
        repaired: this.#isRepair,
      });
      if (this.#readers === 0) this.#content.close();
      for (const repositoryId of this.requesters.repositoryIds())
        this.#deps.store.link(
          this.digest,
          repositoryId,
          this.requesters.isForCallersIn(repositoryId.repository),
        );
    } catch (error) {
      this.#deps.logger.warn('cannot store a verified blob', {
        digest: this.digest,
        error: errorText(error),
      });
      await spool.discard();
    }
    this.#state = 'done';
    this.#verifiedSize = spool.offset;
    this.#limit = spool.offset;
    this.#wake();
    spool.release();
  }

  async #fail(error: unknown): Promise<void> {
    const spool = this.#spool;
    const opening = this.#state === 'opening';
    if (spool !== undefined) {
      if (isStoreFailure(error)) this.#limit = spool.offset;
      if (isLarderError(error, 'UPSTREAM_DIGEST_MISMATCH')) {
        await spool.discard();
        if (this.#isRepair) await this.#deps.store.discardRemains(this.digest);
      } else await spool.suspend();
    }
    // Set only now: a caller that comes while the bytes are put away joins, and gets the failure instead of asking the upstream again.
    this.#failure = error;
    this.#state = 'failed';
    this.#open.reject(error);
    this.#wake();
    if (!opening) spool?.release();
  }

  /** Moves the limit to the end of the bytes on disk, less those held back. */
  #advance(spool: Spool): void {
    this.#limit = Math.max(
      this.#limit,
      Math.min(spool.offset, (this.size ?? spool.offset) - HOLD_BACK_BYTES),
    );
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (this.#limit > waiter.offset || this.#isVerified) waiter.resolve();
      else if (this.#state === 'failed') waiter.reject(this.#failure);
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  #whenIdle(): void {
    if (this.#isCheapToFinish()) return;
    this.#cancelIdle = this.#deps.clock.after(IDLE_GRACE_MS, () => {
      if (this.#isCheapToFinish()) return;
      this.#controller.abort(new LarderError('CLIENT_GONE', `no client waits for ${this.digest}`));
    });
  }

  #isCheapToFinish(): boolean {
    const received = this.#spool?.offset ?? 0;
    const missing = this.size === undefined ? Infinity : this.size - received;
    return missing <= Math.max(received, CHEAP_REMAINDER_BYTES);
  }
}

const STORE_FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  'STORE_FULL',
  'STORE_UNAVAILABLE',
  'STORE_HANDED_BACK',
]);

/** True if the store is full, does not work or stores nothing. Readers then go on without it. */
export function isStoreFailure(error: unknown): boolean {
  return isLarderError(error) && STORE_FAILURES.has(error.code);
}
