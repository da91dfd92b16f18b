import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { untilAborted } from '../../kit/abort.ts';
import { createByteBudget } from '../../kit/byte-budget.ts';
import { createClientConnections } from '../../kit/client-connections.ts';
import { isRequestTimeout, listenerOptions } from '../../kit/client-limits.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import { drain, listen, type Address } from '../../kit/listen.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KeyPair } from '../certificates/key-pair.ts';
import type { AdmissionHandler } from './admission.ts';
import { answerReview } from './answer-review.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './webhook-limits.ts';

export interface WebhookServerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WebhookServerOptions {
  readonly address: Address;
  /** Flag that chooses the address, for the advice of `ADDRESS_IN_USE`. */
  readonly flag: string;
  /** Handlers by path. */
  readonly handlers: ReadonlyMap<string, AdmissionHandler>;
  /** Certificate, followed by those between it and its authority if there are any. */
  readonly certificate: KeyPair;
  readonly limits?: WebhookLimits;
}

export interface WebhookServer {
  /** Host and port in use. */
  readonly address: Address;
  /**
   * Uses another certificate for new connections; open ones keep theirs. Throws `TLS_FILES_INVALID` if key and certificate do not belong
   * together, and the previous pair stays in force.
   */
  useCertificate(pair: KeyPair): void;
  /** Serves on, and closes each connection after its next answer. Afterwards hardly a client is left whose request meets the close. */
  retire(): void;
  /** Serves until no answer is under way, for as long as one may take, and then closes. */
  close(): Promise<void>;
}

/**
 * Starts an HTTPS server (TLS 1.2 or newer) for admission webhooks. It answers what the API server sends to a path of `handlers` as
 * controller-runtime v0.24.1 does: HTTP 200 with a review, also for a body that is none; 404 for another path; any method. Beyond that,
 * 504 if there is no answer in time. Throws `ADDRESS_IN_USE` and `TLS_FILES_INVALID`.
 */
export async function startWebhookServer(
  { clock, logger }: WebhookServerDeps,
  { address, flag, handlers, certificate, limits = WEBHOOK_LIMITS }: WebhookServerOptions,
): Promise<WebhookServer> {
  const bodies = createByteBudget(limits.bodyBytes);
  const decoded = createByteBudget(limits.decodedBytes);
  const busy = new WeakSet<Socket>();
  const connections = createClientConnections(clock);
  let running = 0;
  let isRetired = false;

  async function respond(
    request: IncomingMessage,
    response: ServerResponse,
    gone: AbortSignal,
  ): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    const handler = handlers.get(path);
    if (handler === undefined) return send(response, 404, 'text/plain', 'no webhook has this path\n');
    using life = createLifeline(clock, gone);
    life.limit(
      limits.answerMs,
      () => new LarderError('ADMISSION_TIMEOUT', `no answer within ${limits.answerMs} ms`),
    );
    const deps = { logger: logger.with({ path }), bodies, decoded };
    try {
      const answer = answerReview(deps, request, handler, life.signal);
      send(response, 200, 'application/json', await untilAborted(answer, life.signal));
    } catch (error) {
      if (isLarderError(error, 'CLIENT_GONE')) return void response.destroy();
      deps.logger.error('a review was not answered', { error: errorText(error) });
      send(response, isLarderError(error) ? error.status : 500, 'text/plain', `${errorText(error)}\n`);
    }
  }

  function send(response: ServerResponse, status: number, type: string, body: string): void {
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      ...(isRetired && { Connection: 'close' }),
    });
    response.end(body);
  }

  const server = createServer(
    { ...tlsOptions(certificate), ALPNProtocols: ['http/1.1'], ...listenerOptions(limits.client) },
    (request, response) => {
      const { socket } = request;
      // No client of webhooks sends a request before the answer to the last one, and a row of them would be without limit.
      if (busy.has(socket)) return void socket.destroy();
      busy.add(socket);
      running += 1;
      const gone = new AbortController();
      connections.begin(socket, response, () => {
        busy.delete(socket);
        running -= 1;
        gone.abort(new LarderError('CLIENT_GONE', 'the client closed the connection'));
      });
      void respond(request, response, gone.signal);
    },
  );
  server.timeout = 0;
  server.maxConnections = limits.connections;
  server.on('clientError', (error, connection) =>
    connections.refuse(
      connection,
      `HTTP/1.1 ${isRequestTimeout(error) ? '408 Request Timeout' : '400 Bad Request'}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    ),
  );

  return {
    address: await listen(server, address, flag),
    useCertificate: (pair) => server.setSecureContext(tlsOptions(pair)),
    retire() {
      isRetired = true;
    },
    async close() {
      isRetired = true;
      await drain(server, () => running, clock, limits.answerMs);
    },
  };
}

/** Options of the server, all of which an exchange has to repeat. */
function tlsOptions({ certificate: cert, key }: KeyPair): ServerOptions {
  const options = { cert, key, minVersion: 'TLSv1.2' } as const;
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new LarderError(
      'TLS_FILES_INVALID',
      `the certificate of the webhook and its key do not belong together: ${errorText(cause)}`,
      { cause },
    );
  }
  return options;
}
