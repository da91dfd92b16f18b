import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { CLIENT_LIMITS, isRequestTimeout, listenerOptions } from '../../kit/client-limits.ts';
import type { Clock } from '../../kit/clock.ts';
import { createClientConnections } from '../../kit/client-connections.ts';
import { errorText, isLarderError, LarderError, type ErrorCode } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { sendErrorAnswer } from './error-answer.ts';
import { formatCacheStatus } from './cache-status.ts';
import { RegistryExchange } from './registry-exchange.ts';

export interface RegistryListenerDeps {
  readonly handle: (exchange: RegistryExchange) => Promise<void>;
  /** Called when a request has arrived. */
  readonly began: () => void;
  /** Called once per request, when its answer has ended, complete or not. */
  readonly observe: (exchange: RegistryExchange, startedAt: number) => void;
  /** Header fields of every answer, beside its own. */
  readonly headers?: ExtraHeaders;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type ExtraHeaders = Readonly<Record<string, readonly string[]>>;

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Creates the HTTP server of the registry API. Makes an exchange of each request, and an error document of each error that the handler
 * throws. A body that fails half-way ends with an orderly close of the connection (FIN), after which clients resume. After a reset
 * they do not (containerd, `httpreadseeker.go`).
 */
export function createRegistryListener(
  deps: RegistryListenerDeps,
  tls: Tls | undefined,
  limits = CLIENT_LIMITS,
): Server {
  let count = 0;
  const connections = createClientConnections(deps.clock);
  const setHeaders = headerSetter(deps.headers);
  const listener: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    count += 1;
    const exchange = new RegistryExchange(request, response, count.toString(36));
    const startedAt = deps.clock.monotonic();
    deps.began();
    setHeaders(response);
    connections.begin(request.socket, response, () => {
      exchange.markGone();
      deps.observe(exchange, startedAt);
    });
    deps
      .handle(exchange)
      .catch((error: unknown) => fail(exchange, error, { logger: deps.logger, setHeaders }));
  };
  const options = listenerOptions(limits);
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
/** Go's clients take this status for the end of an idle connection, which is right for a client that has sent nothing. */
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

type SetHeaders = (response: ServerResponse) => void;

function headerSetter(headers: ExtraHeaders = {}): SetHeaders {
  const fields = Object.entries(headers);
  return (response) => {
    for (const [name, values] of fields) response.setHeader(name, [...values]);
  };
}

function fail(
  exchange: RegistryExchange,
  error: unknown,
  { logger, setHeaders }: { readonly logger: Logger; readonly setHeaders: SetHeaders },
): void {
  const known = isLarderError(error) ? error : unexpected(exchange, error, logger);
  exchange.error = known;
  const { response } = exchange;
  if (known.code === 'CLIENT_GONE' || response.headersSent) {
    if (!response.writableEnded) breakOff(response);
    return;
  }
  for (const name of response.getHeaderNames()) {
    if (name !== 'content-range') response.removeHeader(name);
  }
  setHeaders(response);
  try {
    sendErrorAnswer(exchange, known);
  } catch (cause) {
    logger.error('failed to send an error document', { request: exchange.id, error: errorText(cause) });
    breakOff(response);
  }
}

/** Closes the connection, but only after the answers ahead of this one are complete. */
function breakOff(response: ServerResponse): void {
  if (response.socket === null) response.once('socket', (socket: Duplex) => socket.destroy());
  else response.destroy();
}

function unexpected(exchange: RegistryExchange, error: unknown, logger: Logger): LarderError {
  logger.error('unexpected error', {
    request: exchange.id,
    path: exchange.path,
    error: errorText(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return new LarderError('INTERNAL', 'unexpected error; its cause is in the log of Larder', {
    cause: error,
  });
}
