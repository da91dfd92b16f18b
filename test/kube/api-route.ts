import type { IncomingMessage } from 'node:http';

/** Meaning of a request to an API server. */
export interface ApiRoute {
  /** `v1/configmaps`, `apps/v1/statefulsets`; empty if the path is no resource. */
  readonly collection: string;
  /** `configmaps`, `statefulsets.apps`; empty likewise. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, as the API server calls them. */
  readonly verb: string;
  readonly query: ApiQuery;
  /** Without the query. */
  readonly path: string;
}

export type ApiQuery = Readonly<Record<string, string>>;

/** Parses method and URL of a request (https://kubernetes.io/docs/reference/using-api/api-concepts/). */
export function routeOf({ method = '', url = '/' }: Pick<IncomingMessage, 'method' | 'url'>): ApiRoute {
  const { pathname, searchParams } = new URL(url, 'http://api');
  const { group, version, plural, ...parts } = PATH.exec(pathname)?.groups ?? {};
  const name = decoded(parts['name']);
  const query = Object.fromEntries(searchParams);
  return {
    collection: [group, version, plural].filter((part) => part !== undefined).join('/'),
    resource: [plural, group].filter((part) => part !== undefined).join('.'),
    namespace: decoded(parts['namespace']),
    name,
    subresource: parts['subresource'],
    verb: VERBS[method] ?? readingVerb(name, query),
    query,
    path: pathname,
  };
}

/** Matches below any path of the server itself. */
const PATH =
  /\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+))?$/;

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function readingVerb(name: string | undefined, query: ApiQuery): string {
  if (query['watch'] === '1' || query['watch'] === 'true') return 'watch';
  return name === undefined ? 'list' : 'get';
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeURIComponent(text);
}
