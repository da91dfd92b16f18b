import { LarderError } from '../kit/errors.ts';
import type { BlobAnswers } from './answers/blob.ts';
import type { ListAnswers } from './answers/lists.ts';
import type { ManifestAnswers } from './answers/manifest.ts';
import type { PingAnswers } from './answers/ping.ts';
import type { Access } from './access/access.ts';
import type { Exchange } from './http/exchange.ts';
import { parseRoute } from './http/route.ts';
import type { UpstreamTable } from './upstreams.ts';

export interface HandlerDeps {
  /** The table of the configuration in force when the request arrived. */
  readonly table: () => UpstreamTable;
  readonly access: Access;
  readonly answerPing: PingAnswers;
  readonly answerManifest: ManifestAnswers;
  readonly answerBlob: BlobAnswers;
  readonly lists: ListAnswers;
}

/** Leads one request of the registry API to its answer. Throws what the client is told; sends nothing then. */
export function createHandler(deps: HandlerDeps): (exchange: Exchange) => Promise<void> {
  return async function handle(exchange) {
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw readOnly(exchange.method);
    const route = parseRoute(exchange.path);
    const table = deps.table();
    if (route.kind === 'ping') return deps.answerPing(exchange, table);
    if (route.kind === 'catalog') throw noCatalog();

    const destination = table.destination(route.name, exchange.ns);
    exchange.upstreamName = destination.upstream.name;
    const visitor = deps.access.visit(destination, deps.access.presented(exchange.authorization));
    exchange.visitor = visitor;
    const target = { ...destination, visitor };
    switch (route.kind) {
      case 'manifest':
        return deps.answerManifest(exchange, target, route.reference);
      case 'blob':
        return deps.answerBlob(exchange, target, route.digest);
      case 'tags':
        return deps.lists.tags(exchange, target);
      case 'referrers':
        return deps.lists.referrers(exchange, target, route.digest);
    }
  };
}

function readOnly(method: string): LarderError {
  return new LarderError(
    'UNSUPPORTED',
    `${method} is not supported: this is a read-only cache, push to the registry itself`,
  );
}

function noCatalog(): LarderError {
  return new LarderError('CATALOG_UNSUPPORTED', 'a cache has no catalog of its own: ask the registry itself');
}
