import { createServer, type Server, type ServerResponse } from 'node:http';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { Metrics } from '../kit/metrics.ts';

export interface AdminDeps {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** True while the registry listener serves and does not stop. */
  readonly ready: () => boolean;
  readonly stats: () => unknown;
  /** Brings gauges that are read rather than written up to date. */
  readonly refresh: () => void;
}

/** The admin listener: `/healthz`, `/readyz`, `/metrics`, `/api/v1/stats`. Read-only; apart from the registry, so that it may stay private. */
export function createAdminListener(deps: AdminDeps): Server {
  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
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
      deps.refresh();
      return send(response, 200, deps.metrics.registry.contentType, await deps.metrics.registry.metrics());
    case '/api/v1/stats':
      return send(response, 200, 'application/json', JSON.stringify(deps.stats()));
    default:
      return send(
        response,
        404,
        'text/plain',
        'not found: this listener has /healthz, /readyz, /metrics and /api/v1/stats\n',
      );
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
