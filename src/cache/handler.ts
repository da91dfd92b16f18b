import { LarderError } from '../kit/errors.ts';
import type { BlobAnswers } from './answers/blob.ts';
import type { ListAnswers } from './answers/lists.ts';
import type { ManifestAnswers } from './answers/manifest.ts';
import type { PingAnswers } from './token/ping.ts';
import type { Access } from './access/access.ts';
import type { PresentedCredential } from './access/presented-credential.ts';
import type { RegistryExchange } from './http/exchange.ts';
import { parseRoute, TOKEN_PATH, type Route } from './http/route.ts';
import { issuesTokens } from './token/issuing.ts';
import type { TokenRealm } from './token/token-realm.ts';
import type { Destination, Target } from './access/target.ts';
import type { UpstreamTable } from './upstreams.ts';

export interface HandlerDeps {
  /** Gives the routing table of the configuration in force. */
  readonly table: () => UpstreamTable;
  readonly access: Access;
  readonly answerPing: PingAnswers;
  readonly answerManifest: ManifestAnswers;
  readonly answerBlob: BlobAnswers;
  readonly lists: ListAnswers;
  readonly tokens: TokenRealm;
}

/** Answers one request of the registry API. Throws the error for the client, and leaves it to the listener to send it. */
export function createHandler(deps: HandlerDeps): (exchange: RegistryExchange) => Promise<void> {
  return async function handle(exchange) {
    const isRead = exchange.method === 'GET' || exchange.method === 'HEAD';
    if (!isRead && !exchange.path.startsWith(TOKEN_PATH)) throw readOnly(exchange.method);
    const route = parseRoute(exchange.path);
    const table = deps.table();
    if (route.kind === 'token') return deps.tokens.answerToken(exchange, table, route.upstream);
    if (route.kind === 'ping') return deps.answerPing(exchange, table);
    if (route.kind === 'catalog') throw noCatalog();

    const destination = table.destination(route.name, exchange.ns);
    exchange.upstreamName = destination.upstream.name;
    const requester = deps.access.requesterFor(destination, await presentedBy(exchange, destination, table));
    exchange.requester = requester;
    const answered = answerContent(exchange, { ...destination, requester }, route);
    return issuesTokens(destination.upstream)
      ? answered.catch((error: unknown) => {
          throw deps.tokens.challenged(error, exchange, destination);
        })
      : answered;
  };

  function answerContent(exchange: RegistryExchange, target: Target, route: ContentRoute): Promise<void> {
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
  }

  /**
   * Finds the credential that the caller presents to the upstream. Where Larder issues tokens for the upstream, its own token holds the
   * credential; elsewhere the header is the credential. Mode `Shared` has no use for a caller's credential. A token of Larder's own is
   * never sent to an upstream: a client that logs in once per host sends the token with requests for every upstream.
   */
  async function presentedBy(
    exchange: RegistryExchange,
    destination: Destination,
    table: UpstreamTable,
  ): Promise<PresentedCredential | undefined> {
    const { authorization } = exchange;
    const { upstream } = destination;
    if (issuesTokens(upstream)) return deps.tokens.read(exchange, destination);
    if (upstream.config.authentication.mode === 'Shared' || authorization === undefined) return undefined;
    const isOurs = table.all.some(issuesTokens) && (await deps.tokens.isOurs(authorization));
    return isOurs ? undefined : deps.access.presented(authorization);
  }
}

type ContentRoute = Extract<Route, { name: string }>;

function readOnly(method: string): LarderError {
  return new LarderError(
    'UNSUPPORTED',
    `${method} is not supported: this is a read-only cache, push to the registry itself`,
  );
}

function noCatalog(): LarderError {
  return new LarderError('CATALOG_UNSUPPORTED', 'a cache has no catalog of its own: ask the registry itself');
}
