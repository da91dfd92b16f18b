import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseContentRange } from '../../oci/range.ts';
import type { Spool } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import { toRefusal } from '../../upstream/refusal.ts';
import { contentName, type Target } from '../access/target.ts';
import { requestBlob } from './blob-request.ts';
import { concernsCaller, type Requesters } from './requesters.ts';

/** Attempts in a row without a byte after which a cut body is given up. */
const FRUITLESS_ATTEMPTS = 5;

/** After fewer bytes than this the next attempt waits, to spare an upstream that cuts repeatedly. */
const WORTHWHILE_BYTES = 1024 * 1024;

/** Bytes read from the upstream ahead of the disk. */
const AHEAD_OF_DISK_BYTES = 2 * 1024 * 1024;

export interface BlobRequest {
  readonly requesters: Requesters;
  readonly digest: Digest;
  /** Size from a manifest of this repository. Reserves the budget before the first byte. */
  readonly expectedSize: number | undefined;
}

export interface UpstreamBlobDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Fetches a blob from its upstream: opens it at any offset, and copies it whole, however often the upstream cuts the body.
 */
export class UpstreamBlob {
  readonly #deps: UpstreamBlobDeps;
  readonly #request: BlobRequest;
  readonly #signal: AbortSignal;
  #size: number | undefined;

  /** `signal` ends all requests and bodies. */
  constructor(deps: UpstreamBlobDeps, request: BlobRequest, signal: AbortSignal) {
    this.#deps = deps;
    this.#request = request;
    this.#signal = signal;
  }

  /** Undefined before the first answer, and if neither the upstream nor a manifest states it. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Checks that the upstream still has the blob in this repository. Throws the upstream's refusal. */
  async checkExists(): Promise<void> {
    (await this.#ask('HEAD', 0)).body.destroy();
  }

  /** Sets the size, if it is known before the upstream is asked. */
  assume(size: number): void {
    this.#size = size;
  }

  /**
   * Opens the blob at `offset`, up to `end` or to its own end. The answer begins at 0 if the upstream does not give that
   * range. Throws the upstream's refusal.
   */
  async open(offset: number, end?: number): Promise<UpstreamResponse> {
    try {
      return await this.#ask('GET', offset, end);
    } catch (error) {
      const wasRange = offset > 0 || end !== undefined;
      if (!wasRange || !isLarderError(error, 'UPSTREAM_BAD_ANSWER')) throw error;
      return this.#ask('GET', 0);
    }
  }

  /**
   * Copies the bytes after the spool's offset, up to `end` at least. Begins with the answer `first`, unless that begins
   * beyond the spool's offset. Resumes a cut at the registry's own URL with a closed range. Calls `appended` after each
   * write. Throws what the spool throws, or the last cut when it gives up.
   */
  async copyTo(spool: Spool, first: UpstreamResponse, appended: () => void, end?: number): Promise<void> {
    const { digest } = this.#request;
    let response: UpstreamResponse | undefined = first;
    if (beginningOf(first) > spool.offset) {
      first.body.destroy();
      response = undefined;
    }
    let fruitless = 0;
    for (;;) {
      const before = spool.offset;
      try {
        response ??= await this.open(spool.offset, end);
        await this.#drain(response, spool, appended, end);
        return;
      } catch (error) {
        response = undefined;
        if (!isResumable(error) || this.#signal.aborted) throw error;
        const gained = spool.offset - before;
        fruitless = gained > 0 ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS_ATTEMPTS) throw error;
        this.#deps.logger.info('upstream cut a body; resuming', {
          upstream: this.#upstream,
          digest,
          offset: spool.offset,
          error: errorText(error),
        });
        if (gained < WORTHWHILE_BYTES) await sleep(this.#deps.clock, pauseMs(error, fruitless), this.#signal);
      }
    }
  }

  /** Appends a body. While the disk takes one batch, the next one gathers. */
  async #drain(
    response: UpstreamResponse,
    spool: Spool,
    appended: () => void,
    end: number | undefined,
  ): Promise<void> {
    // An upstream that ignores ranges sends the whole body: then the bytes beyond `end` are used too.
    const stop = response.status === 206 ? (end ?? Infinity) : Infinity;
    const start = spool.offset;
    let at = beginningOf(response);
    let batch: Buffer[] = [];
    let gathered = 0;
    let writing: Promise<void> | undefined;
    const flush = async (): Promise<void> => {
      while (gathered > 0) {
        const chunks = batch;
        batch = [];
        gathered = 0;
        await spool.append(chunks);
        appended();
      }
      writing = undefined;
    };
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.max(0, start - at), Math.max(0, stop - at));
        at += chunk.length;
        if (fresh.length === 0) continue;
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
    if (spool.offset < (end ?? this.#size ?? 0)) {
      throw new LarderError('UPSTREAM_UNREACHABLE', `${this.#upstream} ended ${this.#request.digest} early`);
    }
  }

  get #upstream(): string {
    return this.#request.requesters.current.upstream.name;
  }

  /**
   * Asks for the blob from `offset` on, on behalf of the first requester that the upstream does not refuse. Learns the size.
   * Throws the refusal of the last requester.
   */
  async #ask(method: 'GET' | 'HEAD', offset: number, end?: number): Promise<UpstreamResponse> {
    const { requesters, digest } = this.#request;
    for (;;) {
      try {
        const response = await this.#askAs(requesters.current, method, offset, end);
        requesters.accept();
        return response;
      } catch (error) {
        if (!concernsCaller(error) || !requesters.handOver(error)) throw error;
        const repository = requesters.current.repository;
        this.#deps.logger.info('upstream refused a caller; another caller continues the body', {
          upstream: this.#upstream,
          repository,
          digest,
        });
      }
    }
  }

  async #askAs(
    target: Target,
    method: 'GET' | 'HEAD',
    offset: number,
    part: number | undefined,
  ): Promise<UpstreamResponse> {
    const end = part ?? this.#size ?? this.#request.expectedSize;
    const response = await requestBlob(target, this.#request.digest, {
      method,
      kind: part === undefined ? 'blob' : 'range',
      signal: this.#signal,
      ...((offset > 0 || part !== undefined) && {
        range: { start: offset, ...(end !== undefined && end > offset && { end }) },
      }),
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
    const { digest } = this.#request;
    if (response.status === 200) {
      this.#size ??= response.contentLength ?? this.#request.expectedSize;
      return;
    }
    if (response.status !== 206)
      throw toRefusal(response, 'blob', contentName(this.#request.requesters.current, digest));
    const range = parseContentRange(response.headers['content-range']);
    if (
      range === undefined ||
      range.start !== offset ||
      (this.#size !== undefined && range.size !== this.#size)
    ) {
      throw new LarderError(
        'UPSTREAM_BAD_ANSWER',
        `${this.#upstream} answered a request for bytes ${offset}- of ${digest} with another range`,
      );
    }
    this.#size = range.size;
  }
}

/** Offset at which a body begins: 0 if the upstream ignored the range. */
function beginningOf(response: UpstreamResponse): number {
  return response.status === 206 ? (parseContentRange(response.headers['content-range'])?.start ?? 0) : 0;
}

/**
 * Pause before the next attempt: 0.1 s, doubled by each fruitless attempt. Longer if the upstream or its breaker asks for
 * it, 5 s at most.
 */
function pauseMs(error: unknown, fruitless: number): number {
  const asked = isLarderError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(100 * 2 ** fruitless, Math.min(asked, 5000));
}

function isResumable(error: unknown): boolean {
  return isLarderError(error) && error.retryable && !error.code.startsWith('STORE_');
}
