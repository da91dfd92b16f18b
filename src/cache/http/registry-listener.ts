import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { CLIENT_LIMITS, isRequestTimeout, limitOptions } from '../../kit/client-limits.ts';
import type { Clock } from '../../kit/clock.ts';
import { createConnections } from '../../kit/connections.ts';
import { errorText, isLarderError, LarderError, type ErrorCode } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { sendErrorAnswer } from './error-answer.ts';
import { formatCacheStatus } from './cache-status.ts';
import { RegistryExchange } from './exchange.ts';

/** Tokens of large registries exceed the default 16 KiB. */
const MAX_HEADER_BYTES = 64 * 1024;

export interface RegistryListenerDeps {
  readonly handle: (exchange: RegistryExchange) => Promise<void>;
  /** Called when a request has arrived, and once when its answer has ended, well or not. */
  readonly began: () => void;
  readonly observe: (exchange: RegistryExchange, startedAt: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * The HTTP server of the registry API: makes an exchange of each request, turns what handlers throw into the error document, and
 * ends a body that failed half-way by closing the connection in order (FIN), which clients resume; a reset they do not
 * (containerd, `httpreadseeker.go`).
 */
export function createRegistryListener(
  deps: RegistryListenerDeps,
  tls: Tls | undefined,
  limits = CLIENT_LIMITS,
): Server {
  let count = 0;
  const connections = createConnections(deps.clock);
  const listener: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    count += 1;
    const exchange = new RegistryExchange(request, response, count.toString(36));
    const startedAt = deps.clock.monotonic();
    deps.began();
    connections.begin(request.socket, response, () => {
      exchange.markGone();
      deps.observe(exchange, startedAt);
    });
    deps.handle(exchange).catch((error: unknown) => fail(exchange, error, deps.logger));
  };
  const options = { maxHeaderSize: MAX_HEADER_BYTES, ...limitOptions(limits) };
  const server =
    tls === undefined
      ? createServer(options, listener)
      : createTlsServer({ ...options, ALPNProtocols: ['http/1.1'], ...tls }, listener);
  server.timeout = 0;
  server.on('clientError', (error, connection) =>
    connections.refuse(connection, isRequestTimeout(error) ? TOO_SLOW : NO_REQUEST),
  );
  return server;
}

const NO_REQUEST = refusal('400 Bad Request', 'REQUEST_INVALID');
/** Go's clients take this status for the end of an idle connection, which it is when they have not sent anything. */
const TOO_SLOW = refusal('408 Request Timeout', 'REQUEST_TIMEOUT');

function refusal(status: string, detail: ErrorCode): string {
  return [
    `HTTP/1.1 ${status}`,
    `Cache-Status: ${formatCacheStatus({ kind: 'error', detail })}`,
    'Content-Length: 0',
    'Connection: close',
    '\r\n',
  ].join('\r\n');
}

function fail(exchange: RegistryExchange, error: unknown, logger: Logger): void {
  const known = isLarderError(error) ? error : internal(exchange, error, logger);
  exchange.error = known;
  const { response } = exchange;
  if (known.code === 'CLIENT_GONE' || response.headersSent) {
    if (!response.writableEnded) breakOff(response);
    return;
  }
  for (const name of response.getHeaderNames()) {
    if (name !== 'content-range') response.removeHeader(name);
  }
  try {
    sendErrorAnswer(exchange, known);
  } catch (cause) {
    logger.error('an answer could not be sent', { request: exchange.id, error: errorText(cause) });
    breakOff(response);
  }
}

/** Ends the connection, but not before its turn: the answers ahead of it are whole. */
function breakOff(response: ServerResponse): void {
  if (response.socket === null) response.once('socket', (socket: Duplex) => socket.destroy());
  else response.destroy();
}

function internal(exchange: RegistryExchange, error: unknown, logger: Logger): LarderError {
  logger.error('a request failed for a reason that Larder does not know', {
    request: exchange.id,
    path: exchange.path,
    error: errorText(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return new LarderError('INTERNAL', 'Larder failed to answer this request; its log has the reason', {
    cause: error,
  });
}
