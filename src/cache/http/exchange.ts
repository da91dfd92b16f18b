import type { IncomingMessage, ServerResponse } from 'node:http';
import { LarderError } from '../../kit/errors.ts';
import type { BytesFrom } from '../metrics.ts';
import type { Requester } from '../access/requester.ts';
import type { ByteSink } from '../pull/byte-source.ts';
import type { CacheStatus } from './cache-status.ts';

/** One request and its answer: what handlers read, and what they note for headers, log and metrics. */
export class RegistryExchange implements ByteSink {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly method: string;
  /** The path without its query. */
  readonly path: string;

  /** Noted by the handlers. */
  upstreamName: string | undefined;
  requester: Requester | undefined;
  contentType: 'manifest' | 'blob' | undefined;
  status: CacheStatus | undefined;
  bytesFrom: BytesFrom = 'hit';
  error: LarderError | undefined;
  /** The methods that this path answers. */
  allow = 'GET, HEAD';

  readonly #search: string;
  #params: URLSearchParams | undefined;
  #controller: AbortController | undefined;
  #gone = false;
  #endWrite: ((reason: LarderError) => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, id: string) {
    this.request = request;
    this.response = response;
    this.id = id;
    this.method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const query = url.indexOf('?');
    this.path = query === -1 ? url : url.slice(0, query);
    this.#search = query === -1 ? '' : url.slice(query + 1);
  }

  get isHead(): boolean {
    return this.method === 'HEAD';
  }

  /** The query's parameters; `ns` is the upstream that containerd names (distribution-spec, "Registry Proxying"). */
  get params(): URLSearchParams {
    return (this.#params ??= new URLSearchParams(this.#search));
  }

  get ns(): string | undefined {
    return this.#search === '' ? undefined : (this.params.get('ns') ?? undefined);
  }

  get authorization(): string | undefined {
    return this.request.headers.authorization;
  }

  /** Repeated `Accept` lines count as one list (RFC 9110, section 5.3); node:http has joined them. */
  get accept(): string | undefined {
    return this.request.headers.accept;
  }

  get range(): string | undefined {
    return this.request.headers.range;
  }

  /** Aborts when the client has gone or the server gives up on it. Made on first use: most answers from memory need none. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#gone && !this.#controller.signal.aborted) this.#controller.abort(clientGone());
    return this.#controller.signal;
  }

  /** Body bytes the kernel has taken. */
  sentBytes = 0;

  /** Sends a piece of the body, one at a time; resolves when the kernel has it. Rejects with `CLIENT_GONE`. */
  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(clientGone());
        return;
      }
      this.#endWrite = reject;
      this.response.write(chunk, (error) => {
        this.#endWrite = undefined;
        if (error) {
          reject(clientGone(error));
          return;
        }
        this.sentBytes += chunk.length;
        resolve();
      });
    });
  }

  /** The connection is closed: whatever still works for this exchange stops. */
  markGone(): void {
    this.#gone = true;
    // node:http drops a write to a socket that has just closed, and its callback with it.
    this.#endWrite?.(clientGone());
    // Every exchange ends here, most of them well: an error is made only for those who listen.
    if (this.#controller !== undefined && !this.response.writableFinished)
      this.#controller.abort(clientGone());
  }
}

function clientGone(cause?: unknown): LarderError {
  return new LarderError('CLIENT_GONE', 'the client closed the connection', { cause });
}
