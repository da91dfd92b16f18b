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
  readonly metrics: Pick<MetricsRegistry, 'registry'>;
  readonly logger: Logger;
  /** True while the program serves and does not stop. Undefined: the listener has no `/healthz` and `/readyz`. */
  readonly ready?: () => boolean;
  /** Updates gauges that are read rather than written. */
  readonly refresh?: () => void;
  /** Path of the metrics; `/metrics` if undefined, none if `false`. */
  readonly metricsPath?: string | false;
  /** Further pages by path. */
  readonly pages?: Pages;
  /** JSON documents by path. */
  readonly documents?: Readonly<Record<string, () => Promise<unknown>>>;
  /** Actions by POST; none if undefined. */
  readonly actions?: AdminActions;
}

/** Answer to a GET of a path. */
export interface AdminPage {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Pages = Readonly<Record<string, () => AdminPage | Promise<AdminPage>>>;

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
  const pages = pagesOf(deps);
  const server = createServer(listenerOptions(limits), (request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string;
    const call = { request, path, response, listensOn: () => addressOf(server) };
    answer(deps.actions, pages, call).catch((error: unknown) => fail(deps, error, response));
  });
  return server;
}

interface Call {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly response: ServerResponse;
  readonly listensOn: () => string;
}

function pagesOf({ metrics: { registry }, metricsPath = '/metrics', ready, ...deps }: AdminDeps): Pages {
  const documents = Object.entries(deps.documents ?? {}).map(
    ([path, document]) => [path, async () => jsonPage(200, await document())] as const,
  );
  return {
    ...(ready !== undefined && {
      '/healthz': () => textPage(200, 'ok'),
      '/readyz': () => (ready() ? textPage(200, 'ok') : textPage(503, 'starting or stopping')),
    }),
    ...(metricsPath !== false && {
      async [metricsPath]() {
        deps.refresh?.();
        return { status: 200, type: registry.contentType, body: await registry.metrics() };
      },
    }),
    ...deps.pages,
    ...Object.fromEntries(documents),
  };
}

/** A page with a JSON document. */
export function jsonPage(status: number, document: unknown): AdminPage {
  return { status, type: 'application/json', body: JSON.stringify(document) };
}

function textPage(status: number, line: string): AdminPage {
  return { status, type: 'text/plain', body: `${line}\n` };
}

async function answer(actions: AdminActions | undefined, pages: Pages, call: Call): Promise<void> {
  const { request, path, response } = call;
  const byPath = actions?.byPath ?? {};
  const action = Object.hasOwn(byPath, path) ? byPath[path] : undefined;
  if (action !== undefined && actions !== undefined) return act(actions, action, call);
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD') return sendNotAllowed(response, 'GET, HEAD');
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page !== undefined) return send(response, await page());
  const paths = [...Object.keys(pages), ...Object.keys(byPath).map((one) => `POST ${one}`)];
  return send(response, textPage(404, `not found: this listener has ${paths.join(', ')}`));
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

function sendNotAllowed(response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow);
  const verb = allow.includes(',') ? 'are' : 'is';
  send(response, textPage(405, `only ${allow.replace(', ', ' and ')} ${verb} supported here`));
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
  send(response, jsonPage(known.status, document));
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

function send(response: ServerResponse, { status, type, body }: AdminPage): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
