/** A raw HTTP client for tests: one request, no redirects, no retries, and an exact report of the answer. */
import { createHash } from 'node:crypto';
import {
  request as httpRequest,
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestBlob } from './blob.ts';

export interface GetOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Path and query exactly as sent, where a URL would be normalised (`/a/../b`). */
  readonly path?: string;
  /** Body of the request. */
  readonly send?: string | Uint8Array;
  /** Keeps connections. Without an agent every request opens its own. */
  readonly agent?: Agent;
  /** PEM of the authority to trust. */
  readonly ca?: string | undefined;
  /** Ends the request: `get` fails before the headers, and gives `complete: false` after them. */
  readonly signal?: AbortSignal;
  /** Closes the connection when this many body bytes have been read (some more may have come by then). */
  readonly abortAfterBytes?: number;
  /** Reads no faster than this. */
  readonly slowBytesPerSecond?: number;
  /**
   * Treatment of the body: keep and hash it (`keep`, by default), hash it only (`hash`), or compare it on the way with the expected content
   * from offset `from` (0), which holds nothing and costs next to nothing.
   */
  readonly body?: 'keep' | 'hash' | { readonly expect: TestBlob; readonly from?: number };
  /** Called when the kernel has the whole request. */
  readonly onSent?: () => void;
  /** Called with the number of body bytes so far, each time some arrive. */
  readonly onBytes?: (received: number) => void;
}

export interface GetResult {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
  /** The body, with `keep`; else empty. */
  readonly body: Buffer;
  /** Body bytes received. */
  readonly bytes: number;
  /** `sha256:...` of the bytes received; undefined when they were compared instead. */
  readonly digest: string | undefined;
  /** With `expect`, true if every received byte was right. There may be too few of them: see `complete`. */
  readonly matches: boolean | undefined;
  /** True if the body came to its proper end. */
  readonly complete: boolean;
  /** The reason of an incomplete body. */
  readonly failure: Error | undefined;
  /** The body as text. */
  text(): string;
  /** The body as JSON. */
  json(): unknown;
}

/**
 * Sends one request and reads its answer.
 *
 * @throws the socket's error when no headers came. A body that breaks off is no error but `complete: false`.
 */
export async function get(url: string, options: GetOptions = {}): Promise<GetResult> {
  const response = await open(url, options);
  const sink = createSink(options.body ?? 'keep');
  let failure: Error | undefined;
  let bytes = 0;
  const begin = performance.now();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sink.take(chunk, bytes);
      bytes += chunk.length;
      options.onBytes?.(bytes);
      if (bytes >= (options.abortAfterBytes ?? Infinity)) {
        response.destroy();
        failure = new Error(`left on purpose after ${bytes} bytes`);
        break;
      }
      if (options.slowBytesPerSecond !== undefined) {
        const due = begin + (bytes / options.slowBytesPerSecond) * 1000 - performance.now();
        if (due > 0) await pause(due, undefined, { ...(options.signal && { signal: options.signal }) });
      }
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const { body, ...found } = sink.end();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body,
    bytes,
    ...found,
    complete: failure === undefined && response.complete,
    failure,
    text: () => body.toString(),
    json: () => JSON.parse(body.toString()) as unknown,
  };
}

/** HEAD, as {@link get}. */
export function head(url: string, options: GetOptions = {}): Promise<GetResult> {
  return get(url, { ...options, method: 'HEAD' });
}

/** The value of an `Authorization: Basic` header. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function open(url: string, options: GetOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(url, {
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      ...(options.path !== undefined && { path: options.path }),
      agent: options.agent ?? false,
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(options.signal && { signal: options.signal }),
    });
    request.once('response', resolve);
    if (options.onSent !== undefined) request.once('finish', options.onSent);
    // Stays after the first error, because a socket may fail again while its body is destroyed.
    request.on('error', reject);
    request.end(options.send);
  });
}

interface Sink {
  take(chunk: Buffer, offset: number): void;
  end(): Pick<GetResult, 'body' | 'digest' | 'matches'>;
}

function createSink(mode: NonNullable<GetOptions['body']>): Sink {
  if (typeof mode === 'object') {
    let matches = true;
    return {
      take: (chunk, offset) => {
        matches &&= mode.expect.matches(chunk, offset + (mode.from ?? 0));
      },
      end: () => ({ body: Buffer.alloc(0), digest: undefined, matches }),
    };
  }
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  return {
    take(chunk) {
      hash.update(chunk);
      if (mode === 'keep') kept.push(chunk);
    },
    end: () => ({ body: Buffer.concat(kept), digest: `sha256:${hash.digest('hex')}`, matches: undefined }),
  };
}
