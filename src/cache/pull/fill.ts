import type { Hash } from 'node:crypto';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseContentRange } from '../../oci/range.ts';
import type { Origin, Spool, Store } from '../../store/types.ts';
import type { Upstream, UpstreamResponse } from '../../upstream/types.ts';
import { answerError } from '../answers/upstream-answer.ts';
import type { ByteSource } from './byte-source.ts';

/**
 * What is held back of a body until its digest is right, so that nobody ever receives a complete wrong one (law 3). A blob up
 * to this size is not begun before it is proven.
 */
export const HOLD_BACK_BYTES = 64 * 1024;

/** A fill that nobody reads ends after this long, unless finishing is cheaper than starting over. */
const IDLE_GRACE_MS = 10_000;

/** So little left is always finished: a new connection costs about as much. */
const CHEAP_REMAINDER_BYTES = 16 * 1024 * 1024;

/** Attempts in a row that brought no byte, before a cut body is given up. */
const FRUITLESS_ATTEMPTS = 5;

/** After fewer bytes than this, the next attempt waits: an upstream that cuts again and again is not to be hammered. */
const WORTHWHILE_BYTES = 1024 * 1024;

/** Bytes taken from the upstream ahead of the disk. */
const AHEAD_OF_DISK_BYTES = 2 * 1024 * 1024;

export interface FillDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface FillRequest {
  readonly client: Upstream;
  readonly origin: Origin;
  readonly digest: Digest;
  /** As a manifest of this repository gave it: reserves the budget before the first byte. */
  readonly expectedSize: number | undefined;
}

/**
 * The one download of a blob (law 1): appends the upstream's bytes to a spool file and wakes whoever reads there. Readers
 * never slow, stop or restart it; a cut upstream is resumed with a closed range from the registry's own URL.
 *
 * It goes on while somebody reads. With no reader left it is finished all the same when what is missing is no more than what is
 * there, or than 16 MiB; otherwise it waits 10 s for a new reader, then stops, and its bytes are kept for the next fill.
 */
export class Fill implements ByteSource {
  readonly digest: Digest;
  readonly origin: Origin;
  /** Resolves when the upstream has accepted: `size` is final from then on. Rejects when there is nothing to read. */
  readonly opened: Promise<void>;

  readonly #deps: FillDeps;
  readonly #request: FillRequest;
  readonly #controller = new AbortController();
  readonly #waiters = new Set<{ offset: number; resolve: () => void; reject: (reason: unknown) => void }>();
  #open!: { resolve: () => void; reject: (reason: unknown) => void };
  #spool: Spool | undefined;
  #size: number | undefined;
  #limit = 0;
  #readers = 0;
  #startedAt = 0;
  #startOffset = 0;
  #failure: unknown;
  #state: 'opening' | 'running' | 'done' | 'failed' = 'opening';
  #unclaimed: UpstreamResponse | undefined;
  #cancelIdle: (() => void) | undefined;

  constructor(deps: FillDeps, request: FillRequest) {
    this.#deps = deps;
    this.#request = request;
    this.digest = request.digest;
    this.origin = request.origin;
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve, reject };
    });
    this.opened.catch(() => {});
  }

  /** Undefined while opening, and when the upstream does not say. */
  get size(): number | undefined {
    return this.#size;
  }

  get limit(): number {
    return this.#limit;
  }

  get fd(): number {
    if (this.#spool === undefined) throw new TypeError('a fill is read only after it has opened');
    return this.#spool.fd;
  }

  /** What ended it, if it failed. */
  get failure(): unknown {
    return this.#failure;
  }

  /** False once it has ended or begun to stop: who comes then needs the store, or another fill. */
  get joinable(): boolean {
    return (this.#state === 'opening' || this.#state === 'running') && !this.#controller.signal.aborted;
  }

  /** Counts a reader in, who owes one {@link release}. False when the fill is not running: then there is nothing to read here. */
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
    if (this.#readers === 0 && this.#state === 'running') this.#whenIdle();
  }

  grown(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#limit > offset || this.#state === 'done') return resolve();
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

  /** How long until `offset` can be read, at the rate of this fill so far; 0 while there is no rate yet. */
  estimateMs(offset: number): number {
    if (offset < this.#limit || this.#spool === undefined) return 0;
    const elapsed = this.#deps.clock.monotonic() - this.#startedAt;
    const received = this.#spool.offset - this.#startOffset;
    if (elapsed < 500) return 0;
    return received === 0 ? Infinity : ((offset - this.#limit) * elapsed) / received;
  }

  /** After a failure for want of space: the hash of everything up to `limit`, for a reader that goes on by itself. */
  forkHash(): Hash | undefined {
    return this.#spool?.forkHash();
  }

  /** The upstream's answer of a fill that could not be stored: for the first who asks, who then owns it. */
  claim(): UpstreamResponse | undefined {
    const response = this.#unclaimed;
    this.#unclaimed = undefined;
    return response;
  }

  /** Does all the work; resolves when it has ended, well or not. Never rejects: readers learn of failures. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#controller.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const response = await this.#begin();
      if (response !== undefined) await this.#download(response);
      await this.#finish();
    } catch (error) {
      await this.#fail(error);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#cancelIdle?.();
    }
  }

  /** Opens spool and upstream. Undefined when an earlier fill had left every byte, and the upstream still has the blob. */
  async #begin(): Promise<UpstreamResponse | undefined> {
    const { store } = this.#deps;
    const { digest, origin, expectedSize } = this.#request;
    // Room is reserved before the first byte where the size is known; otherwise the answer has to tell it first.
    if (expectedSize !== undefined || store.leftBytes(digest, origin) > 0) {
      this.#spool = await store.spool(digest, origin, expectedSize);
    }
    const left = this.#spool?.offset ?? 0;
    const complete = left > 0 && this.#spool?.matches() === true;
    const response = complete ? await this.#connect('HEAD', 0) : await this.#connectAt(left);
    try {
      this.#spool ??= await store.spool(digest, origin, response.contentLength);
    } catch (error) {
      this.#unclaimed = response;
      setImmediate(() => this.claim()?.body.destroy());
      throw error;
    }
    this.#startedAt = this.#deps.clock.monotonic();
    this.#startOffset = this.#spool.offset;
    this.#state = 'running';
    this.#spool.retain();
    this.#advance();
    this.#open.resolve();
    // Whoever asked for it may have gone while it opened.
    this.#whenIdle();
    if (!complete) return response;
    response.body.destroy();
    return undefined;
  }

  /** From `offset` on, or from the beginning where the upstream does not give that range. */
  async #connectAt(offset: number): Promise<UpstreamResponse> {
    try {
      return await this.#connect('GET', offset);
    } catch (error) {
      if (offset === 0 || !isLarderError(error, 'UPSTREAM_BAD_ANSWER')) throw error;
      return this.#connect('GET', 0);
    }
  }

  /** Asks for the blob from `offset` on; learns the size. Throws what a client would be answered. */
  async #connect(method: 'GET' | 'HEAD', offset: number): Promise<UpstreamResponse> {
    const { client, origin, digest } = this.#request;
    const end = this.#size ?? this.#request.expectedSize;
    const response = await client.request({
      method,
      kind: 'blob',
      repository: origin.repository,
      path: `/v2/${origin.repository}/blobs/${digest}`,
      credential: { kind: 'own' },
      signal: this.#controller.signal,
      ...(offset > 0 && { range: { start: offset, ...(end !== undefined && end > offset && { end }) } }),
    });
    try {
      this.#learnSize(response, offset);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
    return response;
  }

  #learnSize(response: UpstreamResponse, offset: number): void {
    if (response.status === 200) {
      this.#size ??= response.contentLength ?? this.#request.expectedSize;
      return;
    }
    if (response.status !== 206) throw answerError(response, 'blob', this.digest);
    const range = parseContentRange(response.headers['content-range']);
    if (
      range === undefined ||
      range.start !== offset ||
      (this.#size !== undefined && range.size !== this.#size)
    ) {
      throw new LarderError(
        'UPSTREAM_BAD_ANSWER',
        `${this.origin.upstream} answered a request for bytes ${offset}- of ${this.digest} with another range`,
      );
    }
    this.#size = range.size;
  }

  async #download(first: UpstreamResponse): Promise<void> {
    const spool = this.#spool as Spool;
    let response: UpstreamResponse | undefined = first;
    let fruitless = 0;
    for (;;) {
      const before = spool.offset;
      try {
        response ??= await this.#connectAt(spool.offset);
        await this.#drain(response, spool);
        return;
      } catch (error) {
        response = undefined;
        if (!isResumable(error) || this.#controller.signal.aborted) throw error;
        const gained = spool.offset - before;
        fruitless = gained > 0 ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS_ATTEMPTS) throw error;
        this.#deps.logger.info('upstream cut a body, resuming', {
          upstream: this.origin.upstream,
          digest: this.digest,
          offset: spool.offset,
          error: errorText(error),
        });
        if (gained < WORTHWHILE_BYTES)
          await sleep(this.#deps.clock, pauseMs(error, fruitless), this.#controller.signal);
      }
    }
  }

  /** Appends a body: while the disk takes one batch, the next gathers. */
  async #drain(response: UpstreamResponse, spool: Spool): Promise<void> {
    let skip = spool.offset - beginningOf(response);
    let batch: Buffer[] = [];
    let gathered = 0;
    let writing: Promise<void> | undefined;
    const flush = async (): Promise<void> => {
      while (gathered > 0) {
        const chunks = batch;
        batch = [];
        gathered = 0;
        await spool.append(chunks);
        this.#advance();
      }
      writing = undefined;
    };
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const fresh = skip >= chunk.length ? undefined : skip > 0 ? chunk.subarray(skip) : chunk;
        skip = Math.max(0, skip - chunk.length);
        if (fresh === undefined) continue;
        batch.push(fresh);
        gathered += fresh.length;
        if (writing === undefined) {
          writing = flush();
          writing.catch(() => response.body.destroy());
        } else if (gathered >= AHEAD_OF_DISK_BYTES) {
          await writing;
        }
      }
    } finally {
      await writing;
    }
    await flush();
    if (this.#size !== undefined && spool.offset < this.#size) {
      throw new LarderError('UPSTREAM_UNREACHABLE', `${this.origin.upstream} ended ${this.digest} early`);
    }
  }

  async #finish(): Promise<void> {
    const spool = this.#spool as Spool;
    if (!spool.matches() || spool.offset !== (this.#size ?? spool.offset)) {
      throw new LarderError(
        'UPSTREAM_DIGEST_MISMATCH',
        `${this.origin.upstream} sent ${spool.offset} bytes for ${this.digest} that have another digest or size; they were discarded`,
      );
    }
    try {
      const content = await spool.commit({ type: 'blob', origin: this.origin });
      content.close();
    } catch (error) {
      this.#deps.logger.warn('a verified blob could not be kept', {
        digest: this.digest,
        error: errorText(error),
      });
      await spool.discard();
    }
    this.#state = 'done';
    this.#size = spool.offset;
    this.#limit = spool.offset;
    this.#wake();
    spool.release();
  }

  async #fail(error: unknown): Promise<void> {
    const spool = this.#spool;
    this.#failure = error;
    const opening = this.#state === 'opening';
    this.#state = 'failed';
    if (spool !== undefined) {
      if (isLarderError(error, 'STORE_FULL') || isLarderError(error, 'STORE_UNAVAILABLE'))
        this.#limit = spool.offset;
      if (isLarderError(error, 'UPSTREAM_DIGEST_MISMATCH')) await spool.discard();
      else await spool.suspend();
    }
    this.#open.reject(error);
    this.#wake();
    if (!opening) spool?.release();
  }

  /** Moves the limit behind what is on disk, less what is held back. */
  #advance(): void {
    const written = (this.#spool as Spool).offset;
    const proven = this.#size === undefined ? written - HOLD_BACK_BYTES : this.#size - HOLD_BACK_BYTES;
    this.#limit = Math.max(this.#limit, Math.min(written, proven));
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (this.#limit > waiter.offset || this.#state === 'done') waiter.resolve();
      else if (this.#state === 'failed') waiter.reject(this.#failure);
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  #whenIdle(): void {
    if (this.#isCheapToFinish()) return;
    this.#cancelIdle = this.#deps.clock.after(IDLE_GRACE_MS, () => {
      if (this.#isCheapToFinish()) return;
      this.#controller.abort(new LarderError('CLIENT_GONE', `nobody waits for ${this.digest} any more`));
    });
  }

  #isCheapToFinish(): boolean {
    const received = this.#spool?.offset ?? 0;
    const missing = this.#size === undefined ? Infinity : this.#size - received;
    return missing <= Math.max(received, CHEAP_REMAINDER_BYTES);
  }
}

/** Where a body begins: at 0 when the upstream ignored the range. */
function beginningOf(response: UpstreamResponse): number {
  return response.status === 206 ? (parseContentRange(response.headers['content-range'])?.start ?? 0) : 0;
}

/** 0.1 s, doubling with each attempt in vain; longer where the upstream or its breaker said so, 5 s at most. */
function pauseMs(error: unknown, fruitless: number): number {
  const asked = isLarderError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(100 * 2 ** fruitless, Math.min(asked, 5000));
}

function isResumable(error: unknown): boolean {
  return isLarderError(error) && error.retryable && !error.code.startsWith('STORE_');
}
