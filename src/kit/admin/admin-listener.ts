import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdminGuard } from './guard.ts';
import { readJsonBody } from './json-body.ts';
import { createLineStream, type LineStream } from './line-stream.ts';
import { CLIENT_LIMITS, listenerOptions, type ClientLimits } from '../client-limits.ts';
import type { Clock } from '../clock.ts';
import { errorText, isLarderError, LarderError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { MetricsRegistry } from '../metrics.ts';

export interface AdminDeps {
  /** Content of `/metrics`. Undefined: the listener has no metrics. */
  readonly metrics?: Pick<MetricsRegistry, 'registry'>;
  readonly logger: Logger;
  /** True while the program serves and does not stop. Undefined: the listener has no `/healthz` and `/readyz`. */
  readonly ready?: () => boolean;
  /** Updates gauges that are read rather than written. */
  readonly refresh?: () => void;
  /** JSON documents by path. */
  readonly documents?: Readonly<Record<string, () => Promise<unknown>>>;
  /** Actions by POST; none if undefined. */
  readonly actions?: AdminActions;
}

export interface AdminActions {
  readonly guard: AdminGuard;
  readonly clock: Clock;
  readonly byPath: Readonly<Record<string, AdminAction>>;
}

/** Carries out what `body` demands, and reports on `stream`. A thrown error becomes the answer, or the last line of the stream. */
export type AdminAction = (body: unknown, stream: LineStream) => Promise<void>;

/** Node's own limit of headers is enough, because no registry's token comes here. */
const ADMIN_LIMITS: ClientLimits = { ...CLIENT_LIMITS, headerBytes: 16 * 1024 };

/**
 * The admin listener of a program: `/healthz`, `/readyz`, `/metrics`, the program's documents and actions. It is apart from the
 * listener for clients, so that it may stay private. Reading needs no login. {@link AdminGuard} protects the actions.
 */
export function createAdminListener(deps: AdminDeps, limits = ADMIN_LIMITS): Server {
  const server = createServer(listenerOptions(limits), (request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string;
    answer(deps, { request, path, response, listensOn: () => addressOf(server) }).catch((error: unknown) =>
      fail(deps, error, response),
    );
  });
  return server;
}

interface Call {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly response: ServerResponse;
  readonly listensOn: () => string;
}

async function answer(deps: AdminDeps, call: Call): Promise<void> {
  const { request, path, response } = call;
  const actions = deps.actions?.byPath ?? {};
  const action = Object.hasOwn(actions, path) ? actions[path] : undefined;
  if (action !== undefined && deps.actions !== undefined) {
    return act(deps.actions, action, call);
  }
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD') return sendNotAllowed(response, 'GET, HEAD');
  if (deps.ready !== undefined && path === '/healthz') return send(response, 200, 'text/plain', 'ok\n');
  if (deps.ready !== undefined && path === '/readyz')
    return deps.ready()
      ? send(response, 200, 'text/plain', 'ok\n')
      : send(response, 503, 'text/plain', 'starting or stopping\n');
  if (deps.metrics !== undefined && path === '/metrics') {
    deps.refresh?.();
    return send(response, 200, deps.metrics.registry.contentType, await deps.metrics.registry.metrics());
  }
  return sendDocument(deps, path, response);
}

async function act(
  { guard, clock }: AdminActions,
  action: AdminAction,
  { request, response, listensOn }: Call,
): Promise<void> {
  if (request.method !== 'POST') return sendNotAllowed(response, 'POST');
  guard({ headers: request.headers, listensOn: listensOn() });
  await action(await readJsonBody(request), createLineStream(response, clock));
  response.end();
}

function addressOf(server: Server): string {
  return (server.address() as AddressInfo | null)?.address ?? '';
}

async function sendDocument(deps: AdminDeps, path: string, response: ServerResponse): Promise<void> {
  const documents = deps.documents ?? {};
  const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
  if (document !== undefined)
    return send(response, 200, 'application/json', JSON.stringify(await document()));
  const probes = deps.ready === undefined ? [] : ['/healthz', '/readyz'];
  const metrics = deps.metrics === undefined ? [] : ['/metrics'];
  const paths = [...probes, ...metrics, ...Object.keys(documents)];
  const actions = Object.keys(deps.actions?.byPath ?? {}).map((one) => `POST ${one}`);
  send(response, 404, 'text/plain', `not found: this listener has ${[...paths, ...actions].join(', ')}\n`);
}

function sendNotAllowed(response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow);
  send(
    response,
    405,
    'text/plain',
    `only ${allow.replace(', ', ' and ')} ${allow.includes(',') ? 'are' : 'is'} supported here\n`,
  );
}

function fail({ logger }: AdminDeps, error: unknown, response: ServerResponse): void {
  if (isLarderError(error, 'CLIENT_GONE')) return void response.destroy();
  if (!isLarderError(error)) logger.error('an admin request failed', { error: errorText(error) });
  const known = isLarderError(error) ? error : new LarderError('INTERNAL', 'internal error');
  const document = errorDocument(known);
  if (response.headersSent) {
    response.end(`${JSON.stringify({ event: 'error', ...document })}\n`);
    return;
  }
  if (known.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="larder admin"');
  send(response, known.status, 'application/json', JSON.stringify(document));
}

/** An error as JSON. */
function errorDocument({ code, message, hint, detail }: LarderError): Record<string, unknown> {
  return {
    code,
    error: message,
    ...(hint !== undefined && { hint }),
    ...(detail !== undefined && { detail }),
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
