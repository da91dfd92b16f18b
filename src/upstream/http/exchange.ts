import { Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { readBody } from '../../kit/read-body.ts';
import type { UpstreamLimits } from './limits.ts';
import { ResponseBody } from './response-body.ts';

/** One HTTP request as it goes out, without any token to add or redirect to follow. */
export interface ExchangeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request and the body of its answer. */
  readonly signal: AbortSignal;
}

/** The answer to one HTTP request. */
export interface UpstreamExchange {
  readonly status: number;
  /** Lower-case names; repeated lines joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The lines of `WWW-Authenticate`. */
  readonly challenges: readonly string[];
  readonly contentLength: number | undefined;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

export interface UpstreamExchangeDeps {
  readonly clock: Clock;
  readonly limits: UpstreamLimits;
  /** Called for body bytes as they arrive. */
  readonly onBytes: (count: number) => void;
}

/**
 * Sends `request` over `dispatcher` and resolves with the headers of the answer.
 * @throws the signal's reason when it aborts, `UPSTREAM_TIMEOUT` without headers in time, `OVERLOADED` when no connection
 *   became free, and what the connection threw.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  deps: UpstreamExchangeDeps,
): Promise<UpstreamExchange> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) {
      reject(request.signal.reason as Error);
      return;
    }
    dispatcher.dispatch(
      {
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: request.headers,
        body: request.body ?? null,
        // This module keeps the limits, by the injected clock.
        headersTimeout: 0,
        bodyTimeout: 0,
        // Without this undici closes the connection after every HEAD.
        reset: false,
      },
      new ExchangeHandler(request, deps, resolve, reject),
    );
  });
}

/** The life of one exchange: queued, sent, answered, and over at the end of the answer's body. */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #request: ExchangeRequest;
  readonly #deps: UpstreamExchangeDeps;
  readonly #resolve: (exchange: UpstreamExchange) => void;
  readonly #reject: (error: Error) => void;
  readonly #onAbort = (): void => this.#stop(this.#request.signal.reason as Error);
  #controller: Dispatcher.DispatchController | undefined;
  #body: ResponseBody | undefined;
  #stopped: Error | undefined;
  #cancelTimer: () => void;

  constructor(
    request: ExchangeRequest,
    deps: UpstreamExchangeDeps,
    resolve: (exchange: UpstreamExchange) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request;
    this.#deps = deps;
    this.#resolve = resolve;
    this.#reject = reject;
    request.signal.addEventListener('abort', this.#onAbort, { once: true });
    const { connections, connectMs, queueMs } = deps.limits;
    this.#cancelTimer = deps.clock.after(connectMs + queueMs, () =>
      this.#stop(
        new LarderError('OVERLOADED', `all ${connections} connections to ${request.url.host} are busy`, {
          retryAfterSeconds: 5,
        }),
      ),
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#stopped !== undefined) {
      controller.abort(this.#stopped);
      return;
    }
    this.#controller = controller;
    this.#cancelTimer();
    const { clock, limits } = this.#deps;
    const { method, url } = this.#request;
    this.#cancelTimer = clock.after(limits.headersMs, () =>
      this.#stop(
        new LarderError(
          'UPSTREAM_TIMEOUT',
          `${url.host} did not answer ${method} within ${limits.headersMs} ms`,
        ),
      ),
    );
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200 || this.#stopped !== undefined) return;
    this.#cancelTimer();
    const { clock, limits, onBytes } = this.#deps;
    const contentLength = length(headers['content-length']);
    this.#body = new ResponseBody(controller, {
      host: this.#request.url.host,
      expected: contentLength,
      idleMs: limits.bodyIdleMs,
      clock,
      onBytes,
    });
    this.#body.once('close', () => this.#detach());
    const challenges = headers['www-authenticate'] as string | string[] | undefined;
    this.#resolve({
      status,
      headers: joined(headers),
      challenges: challenges === undefined ? [] : [challenges].flat(),
      contentLength,
      body: this.#body,
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.receive(chunk);
  }

  onResponseEnd(): void {
    this.#body?.finish();
    this.#detach();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#body === undefined) this.#stop(error);
    else this.#body.fail(error);
  }

  #stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#detach();
    if (this.#body !== undefined) {
      this.#body.destroy(reason);
      return;
    }
    this.#controller?.abort(reason);
    this.#reject(reason);
  }

  #detach(): void {
    this.#cancelTimer();
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }
}

/**
 * Reads the whole body of an answer from `host`. Destroys a body of more than `limit` bytes.
 * @throws `UPSTREAM_BAD_ANSWER` beyond the limit, and the body's own failure.
 */
export async function readAnswer(
  answer: Pick<UpstreamExchange, 'body' | 'contentLength'>,
  host: string,
  limit: number,
): Promise<Buffer> {
  const { body, contentLength } = answer;
  const tooLong = (): LarderError =>
    new LarderError('UPSTREAM_BAD_ANSWER', `${host} answered with more than ${limit} bytes`);
  if (contentLength !== undefined && contentLength > limit) {
    body.destroy();
    throw tooLong();
  }
  return readBody(body, limit, tooLong);
}

/** An unwanted body up to this size is read to its end, so that its connection can be used again. */
const WORTH_READING = 64 * 1024;

/** Discards the body of an answer. */
export function discard({ body, contentLength }: UpstreamExchange): void {
  if (contentLength === undefined || contentLength > WORTH_READING) body.destroy();
  else body.resume();
}

/** Takes the body of an answer off the connection, for an answer that may be needed later. Drops bodies above 64 KiB. */
export async function detached(answer: UpstreamExchange): Promise<UpstreamExchange> {
  const body = await readAnswer(answer, '', WORTH_READING).catch(() => Buffer.alloc(0));
  return {
    ...answer,
    contentLength: body.length,
    body: Readable.from(body.length === 0 ? [] : [body], { objectMode: false }),
  };
}

function joined(headers: IncomingHttpHeaders): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) record[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return record;
}

function length(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
