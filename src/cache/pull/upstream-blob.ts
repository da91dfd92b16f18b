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
import { concernsCaller, type Sources } from './requesters.ts';

/** Attempts in a row that brought no byte, before a cut body is given up. */
const FRUITLESS_ATTEMPTS = 5;

/** After fewer bytes than this, the next attempt waits: an upstream that cuts again and again is not to be hammered. */
const WORTHWHILE_BYTES = 1024 * 1024;

/** Bytes taken from the upstream ahead of the disk. */
const AHEAD_OF_DISK_BYTES = 2 * 1024 * 1024;

export interface BlobRequest {
  readonly sources: Sources;
  readonly digest: Digest;
  /** As a manifest of this repository gave it: reserves the budget before the first byte. */
  readonly expectedSize: number | undefined;
}

export interface UpstreamBlobDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A blob at its upstream: asks for it from any offset, and copies it whole, however often the upstream cuts it. */
export class UpstreamBlob {
  readonly #deps: UpstreamBlobDeps;
  readonly #request: BlobRequest;
  readonly #signal: AbortSignal;
  #size: number | undefined;

  /** `signal` ends everything about it. */
  constructor(deps: UpstreamBlobDeps, request: BlobRequest, signal: AbortSignal) {
    this.#deps = deps;
    this.#request = request;
    this.#signal = signal;
  }

  /** Undefined before the first answer, and when neither the upstream nor a manifest says. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Sees that the upstream still has the blob in this repository. Throws its refusal. */
  async confirm(): Promise<void> {
    (await this.#ask('HEAD', 0)).body.destroy();
  }

  /** Says how large it is, where that is known before the upstream is asked. */
  assume(size: number): void {
    this.#size = size;
  }

  /**
   * The blob from `offset` on, up to `end` where that is not its own, or from the beginning where the upstream does not give that
   * range. Throws its refusal.
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
   * Copies what follows the spool's offset, `first` being an answer to that (one that begins behind it is of no use), up to `end` at least; resumes a cut at the registry's own
   * URL with a closed range. `appended` is called after each write. Throws what the spool throws, or the last cut when it gives up.
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
        this.#deps.logger.info('upstream cut a body, resuming', {
          upstream: this.#upstream,
          digest,
          offset: spool.offset,
          error: errorText(error),
        });
        if (gained < WORTHWHILE_BYTES) await sleep(this.#deps.clock, pauseMs(error, fruitless), this.#signal);
      }
    }
  }

  /** Appends a body: while the disk takes one batch, the next gathers. */
  async #drain(
    response: UpstreamResponse,
    spool: Spool,
    appended: () => void,
    end: number | undefined,
  ): Promise<void> {
    // An upstream that ignores ranges sends everything: then the rest of it is taken, too.
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
    return this.#request.sources.current.upstream.name;
  }

  /**
   * Asks for the blob from `offset` on, in the name of the first caller whom the upstream does not refuse; learns the size.
   * Throws what the last of them would be answered.
   */
  async #ask(method: 'GET' | 'HEAD', offset: number, end?: number): Promise<UpstreamResponse> {
    const { sources, digest } = this.#request;
    for (;;) {
      try {
        const response = await this.#askAs(sources.current, method, offset, end);
        sources.accept();
        return response;
      } catch (error) {
        if (!concernsCaller(error) || !sources.passOn(error)) throw error;
        const repository = sources.current.repository;
        this.#deps.logger.info('another caller continues a body', {
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
      throw toRefusal(response, 'blob', contentName(this.#request.sources.current, digest));
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
