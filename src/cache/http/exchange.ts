import type { IncomingMessage, ServerResponse } from 'node:http';
import { LarderError } from '../../kit/errors.ts';
import type { BytesFrom } from '../metrics.ts';
import type { Requester } from '../access/requester.ts';
import type { ByteSink } from '../pull/byte-source.ts';
import type { CacheStatus } from './cache-status.ts';

/** One request to the registry listener and its answer. Handlers read the request, and set what headers, log and metrics need. */
export class RegistryExchange implements ByteSink {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly method: string;
  /** The path without its query. */
  readonly path: string;

  /** Set by the handlers, like the properties below, as soon as the value is known. */
  upstreamName: string | undefined;
  requester: Requester | undefined;
  contentType: 'manifest' | 'blob' | undefined;
  status: CacheStatus | undefined;
  bytesFrom: BytesFrom = 'hit';
  error: LarderError | undefined;
  /** Methods that this path answers, for `Allow`. */
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

  /** Parameters of the query. `ns` names the upstream (distribution-spec, "Registry Proxying"). */
  get params(): URLSearchParams {
    return (this.#params ??= new URLSearchParams(this.#search));
  }

  get ns(): string | undefined {
    return this.#search === '' ? undefined : (this.params.get('ns') ?? undefined);
  }

  get authorization(): string | undefined {
    return this.request.headers.authorization;
  }

  /** Repeated `Accept` lines are one list (RFC 9110, section 5.3); node:http joins them. */
  get accept(): string | undefined {
    return this.request.headers.accept;
  }

  get range(): string | undefined {
    return this.request.headers.range;
  }

  /** Aborts when the client has gone or the server gives up on it. Created on first use: most answers from memory need no signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#gone && !this.#controller.signal.aborted) this.#controller.abort(clientGone());
    return this.#controller.signal;
  }

  /** Body bytes that the kernel has accepted. */
  sentBytes = 0;

  /** Sends a piece of the body, one at a time. Resolves when the kernel has the piece. Rejects with `CLIENT_GONE`. */
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

  /** Called when the connection is closed. Stops all work for this exchange. */
  markGone(): void {
    this.#gone = true;
    // node:http drops a write to a socket that has just closed, together with its callback.
    this.#endWrite?.(clientGone());
    // Every exchange ends here, and most end well: an error is created only if the signal is in use.
    if (this.#controller !== undefined && !this.response.writableFinished)
      this.#controller.abort(clientGone());
  }
}

function clientGone(cause?: unknown): LarderError {
  return new LarderError('CLIENT_GONE', 'the client closed the connection', { cause });
}
