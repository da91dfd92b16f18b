import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import { readRequestBody } from '../../kit/read-body.ts';
import { endToEnd } from './end-to-end.ts';
import type { CacheClient } from '../cache-client/cache-client.ts';
import type { HealthGate } from '../gate/health-gate.ts';
import { sendRelayError } from './relay-error.ts';

/** A login form takes a few hundred bytes. */
const MAX_FORM_BYTES = 64 * 1024;
/** A cache that answered any request this recently is considered reachable. */
const ANSWERED_MS = 100;

/** Target of the requests for one upstream. */
export interface RelayTarget {
  readonly upstream: string;
  readonly gate: HealthGate;
  readonly client: CacheClient;
  /** Probes the cache at once, because a request looks wrong. */
  readonly probeNow: () => void;
}

/** Answers one request. `gone` aborts when the answer or its connection has ended. Never rejects. */
export type Relay = (request: IncomingMessage, response: ServerResponse, gone: AbortSignal) => Promise<void>;

/**
 * Passes each request to the cache of its upstream unchanged, apart from the headers of the connection, and the answer back. `Host` stays
 * as the client wrote it: the token server of a cache (realm `Cache`) has to be found at that address, which is the relay.
 *
 * A request that cannot be relayed is answered at once, so containerd goes to the next host: 404 for an upstream without a cache, 503 while
 * the gate is not open or if the cache fails. An answer that breaks off ends the connection in order (FIN), and containerd resumes.
 */
export function createRelay(targetOf: (upstream: string) => RelayTarget | undefined): Relay {
  return async function relay(request, response, gone) {
    try {
      const body = await formOf(request);
      const upstream = upstreamOf(request.url ?? '/');
      const target = upstream === undefined ? undefined : targetOf(upstream);
      if (target === undefined) throw unknownUpstream(upstream);
      if (target.gate.state !== 'open') throw unavailable(target.upstream);
      forward(target, request, body, response, gone);
    } catch (error) {
      sendRelayError(response, error);
    }
  };
}

function forward(
  { upstream, gate, client, probeNow }: RelayTarget,
  request: IncomingMessage,
  body: Buffer | undefined,
  response: ServerResponse,
  gone: AbortSignal,
): void {
  if (gone.aborted) return;
  const attempt = gate.attempt();
  const onSilent = (): Error | undefined => {
    if (gate.state !== 'open') return unavailable(upstream);
    // A hundred requests may wait for a slow upstream. An answer to any of them shows that the cache is reachable.
    if (gate.silentMs >= ANSWERED_MS) probeNow();
    return undefined;
  };
  const giveUp = client.send(
    { bytes: requestBytes(request, body), isHead: request.method === 'HEAD', onSilent },
    {
      head({ status, reason, rawHeaders }) {
        attempt.succeeded();
        response.sendDate = false;
        response.writeHead(status, reason, endToEnd(rawHeaders));
      },
      body: (piece, taken) => void response.write(piece, taken),
      end: () => void response.end(),
      failed(error) {
        if (isLarderError(error, 'OVERLOADED')) {
          sendRelayError(response, error);
          return;
        }
        // One unreadable answer says little about the next, so only the probe decides.
        if (!isLarderError(error, 'UPSTREAM_BAD_ANSWER')) attempt.failed(errorText(error));
        probeNow();
        sendRelayError(response, unavailable(upstream, error));
      },
    },
  );
  gone.addEventListener('abort', giveUp, { once: true });
}

/** containerd names the upstream in `ns`. A client that logs in at the cache's token server has it in the path. */
function upstreamOf(url: string): string | undefined {
  const [path = '', search = ''] = url.split('?', 2);
  const ns = new URLSearchParams(search).get('ns');
  return ns ?? /^\/token\/([^/]+)$/.exec(path)?.[1] ?? undefined;
}

function requestBytes(request: IncomingMessage, body: Buffer | undefined): Buffer | string {
  const headers = endToEnd(request.rawHeaders, ['content-length', 'expect']);
  if (body !== undefined) headers.push('Content-Length', String(body.length));
  let head = `${request.method} ${request.url} HTTP/1.1\r\n`;
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  const bytes = Buffer.from(`${head}\r\n`, 'latin1');
  return body === undefined ? bytes : Buffer.concat([bytes, body]);
}

/** Body of a POST. The body of any other method means nothing to a cache. */
async function formOf(request: IncomingMessage): Promise<Buffer | undefined> {
  if (request.method !== 'POST') {
    request.resume();
    return undefined;
  }
  return readRequestBody(
    request,
    MAX_FORM_BYTES,
    () => new LarderError('REQUEST_INVALID', `expected a request body of at most ${MAX_FORM_BYTES} bytes`),
  );
}

function unknownUpstream(upstream: string | undefined): LarderError {
  return new LarderError(
    'NAME_UNKNOWN',
    upstream === undefined
      ? 'the request names no upstream: the relay of a node expects "ns" as containerd sends it'
      : `no cache for ${JSON.stringify(upstream.slice(0, 150))} is known on this node`,
  );
}

function unavailable(upstream: string, cause?: unknown): LarderError {
  return new LarderError('CACHE_UNAVAILABLE', `the cache of ${upstream} cannot be reached from this node`, {
    cause,
  });
}
