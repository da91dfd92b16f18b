import { LarderError } from '../kit/errors.ts';
import type { BlobAnswers } from './answers/blob.ts';
import type { ListAnswers } from './answers/lists.ts';
import type { ManifestAnswers } from './answers/manifest.ts';
import type { PingAnswers } from './answers/ping.ts';
import { relay } from './answers/relay.ts';
import type { Exchange } from './http/exchange.ts';
import { parseRoute } from './http/route.ts';
import type { Target, UpstreamTable } from './upstreams.ts';

export interface HandlerDeps {
  /** The table of the configuration in force when the request arrived. */
  readonly table: () => UpstreamTable;
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

    const target = table.target(route.name, exchange.ns);
    exchange.upstreamName = target.upstream.name;
    const authorization = callerCredential(exchange, target);
    if (authorization !== undefined) return relay(exchange, target, route, authorization);
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

/** In mode `Shared` everyone reads what the configured credential reads, so a caller's own is of no use and goes nowhere. */
function callerCredential(exchange: Exchange, target: Target): string | undefined {
  return target.upstream.config.authentication.mode === 'Caller' ? exchange.authorization : undefined;
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
