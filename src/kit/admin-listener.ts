import { createServer, type Server, type ServerResponse } from 'node:http';
import { CLIENT_LIMITS, limitOptions } from './client-limits.ts';
import { errorText } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export interface AdminDeps {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** True while the program does what it is there for, and does not stop. */
  readonly ready: () => boolean;
  /** Brings gauges that are read rather than written up to date. */
  readonly refresh?: () => void;
  /** What is answered as JSON, by path. */
  readonly documents?: Readonly<Record<string, () => Promise<unknown>>>;
}

/** The admin listener of a program: `/healthz`, `/readyz`, `/metrics` and its documents. Read-only; apart from what it serves to others, so that it may stay private. */
export function createAdminListener(deps: AdminDeps, limits = CLIENT_LIMITS): Server {
  const server = createServer(limitOptions(limits), (request, response) => {
    answer(deps, request.method ?? 'GET', (request.url ?? '/').split('?')[0] as string, response).catch(
      (error: unknown) => {
        deps.logger.error('an admin request failed', { error: errorText(error) });
        if (!response.headersSent)
          send(response, 500, 'application/json', JSON.stringify({ error: 'internal error' }));
        else response.destroy();
      },
    );
  });
  return server;
}

async function answer(
  deps: AdminDeps,
  method: string,
  path: string,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, 405, 'text/plain', 'only GET and HEAD are supported here\n');
    return;
  }
  switch (path) {
    case '/healthz':
      return send(response, 200, 'text/plain', 'ok\n');
    case '/readyz':
      return deps.ready()
        ? send(response, 200, 'text/plain', 'ok\n')
        : send(response, 503, 'text/plain', 'starting or stopping\n');
    case '/metrics':
      deps.refresh?.();
      return send(response, 200, deps.metrics.registry.contentType, await deps.metrics.registry.metrics());
    default:
      return sendDocument(deps.documents ?? {}, path, response);
  }
}

async function sendDocument(
  documents: NonNullable<AdminDeps['documents']>,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
  if (document !== undefined)
    return send(response, 200, 'application/json', JSON.stringify(await document()));
  const paths = ['/healthz', '/readyz', '/metrics', ...Object.keys(documents)];
  send(response, 404, 'text/plain', `not found: this listener has ${paths.join(', ')}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
