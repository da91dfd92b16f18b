import { Readable } from 'node:stream';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { upstreamFailure } from './failure.ts';

/** The connection that delivers a body. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Closes the connection. */
  abort(reason: Error): void;
}

export interface ResponseBodyOptions {
  /** Host for messages. */
  readonly host: string;
  /** The announced `Content-Length`. */
  readonly expected: number | undefined;
  readonly idleMs: number;
  readonly clock: Clock;
  readonly onBytes: (count: number) => void;
}

/**
 * A body as it arrives. Hands out all bytes before a cut ahead of the error, so that a resumed download loses nothing.
 *
 * The idle limit counts only while the reader wants more, because a paused reader is Larder's fault and not the upstream's. undici's
 * `bodyTimeout` does not distinguish the two: under back-pressure it fires late or never.
 */
export class ResponseBody extends Readable {
  readonly #source: BodySource;
  readonly #options: ResponseBodyOptions;
  #received = 0;
  #complete = false;
  #paused = false;
  #cut: Error | undefined;
  #lastByteAt: number;
  #cancelWatch: (() => void) | undefined;

  constructor(source: BodySource, options: ResponseBodyOptions) {
    super({ highWaterMark: 256 * 1024 });
    this.#source = source;
    this.#options = options;
    this.#lastByteAt = options.clock.monotonic();
    this.#watch(options.idleMs);
    // A reader sees the error all the same. A body that fails before it has a reader must not end the process.
    this.on('error', () => {});
  }

  receive(chunk: Buffer): void {
    if (this.destroyed) return;
    this.#received += chunk.length;
    this.#lastByteAt = this.#options.clock.monotonic();
    this.#options.onBytes(chunk.length);
    if (this.push(chunk)) return;
    this.#paused = true;
    this.#source.pause();
  }

  /** Ends the body after its last byte. */
  finish(): void {
    this.#complete = true;
    this.#stopWatching();
    this.push(null);
  }

  /** Ends the body after a broken connection. */
  fail(error: unknown): void {
    const { host, expected } = this.#options;
    const amount = `${this.#received} of ${expected ?? 'an unknown number of'} bytes`;
    const failure = upstreamFailure(host, error);
    this.#cutBy(
      failure.code === 'UPSTREAM_TIMEOUT'
        ? failure
        : new LarderError('UPSTREAM_UNREACHABLE', `${host} ended the body after ${amount}`, { cause: error }),
    );
  }

  override read(size?: number): Buffer | null {
    const chunk = super.read(size) as Buffer | null;
    if (this.#cut !== undefined && this.readableLength === 0) process.nextTick(() => this.destroy(this.#cut));
    return chunk;
  }

  override _read(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#lastByteAt = this.#options.clock.monotonic();
    this.#watch(this.#options.idleMs);
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stopWatching();
    if (!this.#complete) this.#source.abort(error ?? new Error('the body is not wanted any more'));
    callback(error);
  }

  #cutBy(error: Error): void {
    if (this.destroyed || this.#complete || this.#cut !== undefined) return;
    this.#stopWatching();
    this.#cut = error;
    if (this.readableLength === 0) this.destroy(error);
  }

  #watch(ms: number): void {
    this.#stopWatching();
    this.#cancelWatch = this.#options.clock.after(ms, () => this.#checkProgress());
  }

  #checkProgress(): void {
    if (this.#paused) return;
    const { clock, host, expected, idleMs } = this.#options;
    const left = idleMs - (clock.monotonic() - this.#lastByteAt);
    if (left > 0) {
      this.#watch(left);
      return;
    }
    const amount = `${this.#received} of ${expected ?? 'an unknown number of'} bytes`;
    const error = new LarderError(
      'UPSTREAM_TIMEOUT',
      `${host} sent no byte for ${idleMs} ms, after ${amount}`,
    );
    this.#cutBy(error);
    this.#source.abort(error);
  }

  #stopWatching(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }
}
