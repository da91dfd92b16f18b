/**
 * A stand-in for the Kubernetes API server: real HTTP on loopback, faults on demand, and the semantics of versions, lists, watches and
 * writes as far as `client-contract.ts` compares them with a real server.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { answerFault, expiredStatus, sendJson, statusOf } from './api-answers.ts';
import { FaultPlan, type Fault } from './api-faults.ts';
import { ApiOwnership } from './api-ownership.ts';
import { routeOf, type ApiQuery, type ApiRoute } from './api-route.ts';
import { ApiStore, Refused, type SentObject, type StoredObject, type StoreKey } from './api-store.ts';
import { OpenWatch, type Selection, type View } from './api-watch.ts';
import type { MergePatch } from '../../src/kube/types.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatched } from './merge-patch.ts';

export interface ApiServerOptions {
  /** False: a streaming list is refused, as before Kubernetes 1.32. */
  readonly streamingLists?: boolean;
  /** Accepted tokens. Any other request gets 401. */
  readonly tokens?: Set<string>;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Largest page, whatever the request asks for. */
  readonly pageSize?: number;
}

/** One request as received. */
export interface SeenRequest {
  readonly verb: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Name in the client's certificate. */
  readonly clientName: string | undefined;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  readonly store: ApiStore;
  readonly faults: FaultPlan;
  readonly requests: SeenRequest[];
  readonly connections: { readonly opened: number; readonly open: number };
  /** Open watches. */
  readonly watches: readonly OpenWatch[];
  requestsOf(verb: string): SeenRequest[];
  /** Creates or replaces an object, as another client would. */
  put(collection: string, object: SentObject): StoredObject;
  remove(collection: string, name: string, namespace?: string): void;
  /** Sends a bookmark with the current version on every watch. */
  bookmark(): void;
  /** Forgets all history and every page that was begun. */
  compact(): void;
}

/** Starts on a free port of 127.0.0.1. */
export async function startApi(options: ApiServerOptions = {}): Promise<ApiServer> {
  const store = new ApiStore();
  const faults = new FaultPlan();
  const ownership = new ApiOwnership();
  const requests: SeenRequest[] = [];
  const pages = new Map<string, { readonly rest: StoredObject[]; readonly version: number }>();
  const sockets = new Set<Socket>();
  let watches: OpenWatch[] = [];
  let opened = 0;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void handle(request, response);
  const server = options.tls
    ? createTlsServer({ ...options.tls, requestCert: true, rejectUnauthorized: false }, onRequest)
    : createServer(onRequest);
  server.on('connection', (socket: Socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  store.onChange((change) => {
    for (const watch of openWatches()) watch.changed(change);
  });

  function openWatches(): OpenWatch[] {
    watches = watches.filter((watch) => !watch.isOver);
    return watches;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const route = routeOf(request);
    const { verb, query, path } = route;
    const { method = '', headers } = request;
    requests.push({
      verb,
      method,
      path,
      query,
      headers,
      body,
      clientName: clientNameOf(request.socket),
    });
    try {
      if (options.tokens && !options.tokens.has(headers.authorization?.replace(/^Bearer /, '') ?? ''))
        throw new Refused(401, 'Unauthorized', 'Unauthorized');
      const fault = faults.take(verb, path);
      if (fault !== undefined && answerFault(response, fault)) return;
      const view = viewOf(headers.accept);
      if (verb === 'watch') watch(response, route, view, fault);
      else if (verb === 'list') sendJson(response, 200, list(route, view));
      else sendJson(response, 200, view(act(route, body, headers['content-type'])));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      sendJson(response, error.code, statusOf(error));
    }
  }

  function act(route: ApiRoute, body: string, contentType: string | undefined): StoredObject {
    const dryRun = route.query['dryRun'] === 'All';
    const sent = body === '' ? undefined : (JSON.parse(body) as SentObject);
    const key = (): StoreKey => ({ ...route, name: route.name ?? sent?.metadata.name ?? '' });
    switch (route.verb) {
      case 'get':
        return store.get(key());
      case 'create':
        return store.create(key(), merged(route, undefined, sent as SentObject), dryRun);
      case 'update':
        return store.replace(key(), merged(route, store.get(key()), sent as SentObject), dryRun);
      case 'delete': {
        const { preconditions, dryRun: only } = JSON.parse(body) as {
          preconditions?: object;
          dryRun?: string[];
        };
        return store.delete(key(), preconditions, only?.includes('All'));
      }
      case 'patch':
        if (contentType === 'application/apply-patch+yaml') return apply(route, sent as SentObject, dryRun);
        return store.replace(
          key(),
          merged(route, store.get(key()), patched(store.get(key()), body, contentType)),
          dryRun,
        );
      default:
        throw new Refused(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
  }

  function apply(route: ApiRoute, intent: SentObject, dryRun: boolean): StoredObject {
    const { query } = route;
    const key = { ...route, name: intent.metadata.name };
    const before = store.find(key);
    const manager = query['fieldManager'];
    if (manager === undefined) throw new Refused(422, 'Invalid', 'fieldManager: is required for apply patch');
    const wanted = ownership.apply(before, intent, manager, query['force'] === 'true');
    const next = merged(route, before, wanted);
    const after = before ? store.replace(key, next, dryRun) : store.create(key, next, dryRun);
    if (!dryRun) ownership.record(after.metadata.uid, intent, manager, before);
    return after;
  }

  function list(route: ApiRoute, view: View): unknown {
    const { query } = route;
    const token = query['continue'];
    const begun = token === undefined ? undefined : pages.get(token);
    if (token !== undefined && begun === undefined)
      throw new Refused(410, 'Expired', 'The provided continue parameter is too old');
    refuseFuture(store, query);
    const selection = selectionOf(route);
    const rest = begun?.rest ?? store.list(route.collection, route.namespace).filter(selection.matches);
    const version = begun?.version ?? store.version;
    const size = Math.min(
      Number(query['limit'] ?? Infinity),
      query['limit'] ? (options.pageSize ?? Infinity) : Infinity,
    );
    const more: { continue?: string } = {};
    if (rest.length > size) {
      more.continue = `page-${requests.length}`;
      pages.set(more.continue, { rest: rest.slice(size), version });
    }
    const items = rest.slice(0, size).map(view);
    return {
      kind: `${items[0]?.kind ?? ''}List`,
      apiVersion: items[0]?.apiVersion ?? 'v1',
      metadata: { resourceVersion: String(version), ...more },
      // Items of the built-in lists have neither; those of metadata have both.
      items: view === whole ? items.map(({ kind: _kind, apiVersion: _version, ...item }) => item) : items,
    };
  }

  function watch(response: ServerResponse, route: ApiRoute, view: View, fault: Fault | undefined): void {
    const { query } = route;
    const selection = selectionOf(route);
    const isStreaming = query['sendInitialEvents'] === 'true';
    if (isStreaming && options.streamingLists === false)
      throw new Refused(422, 'Invalid', 'sendInitialEvents: Forbidden: feature gate WatchList is off');
    if (isStreaming) refuseFuture(store, query);
    const from = Number(query['resourceVersion'] ?? 0);
    const missed = isStreaming ? [] : store.since(route.collection, from);
    const open = new OpenWatch(response, selection, view, fault);
    watches.push(open);
    if (fault?.kind === 'expired-event') {
      open.error(expiredStatus());
      return;
    }
    if (fault?.kind === 'replay') {
      const again = store
        .replay(route.collection, fault.count)
        .filter(({ version }) => version <= from || isStreaming);
      if (!isStreaming)
        for (const change of fault.isJumbled ? again.toReversed() : again) open.changed(change);
    }
    if (isStreaming) {
      const objects = store.list(route.collection, route.namespace).filter(selection.matches);
      for (const object of objects) open.added(object);
      open.bookmark(store.version, LIKE, true);
    }
    for (const change of missed) open.changed(change);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    store,
    faults,
    requests,
    connections: {
      get opened() {
        return opened;
      },
      get open() {
        return sockets.size;
      },
    },
    get watches() {
      return openWatches();
    },
    requestsOf: (verb) => requests.filter((request) => request.verb === verb),
    put(collection, object) {
      const { namespace, name } = object.metadata;
      const key = { collection, namespace, name };
      return store.find(key) ? store.replace(key, object) : store.create(key, object);
    },
    remove: (collection, name, namespace) => void store.delete({ collection, namespace, name }),
    bookmark() {
      for (const watch of openWatches()) watch.bookmark(store.version, LIKE);
    },
    compact() {
      store.compact();
      pages.clear();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function patched(object: StoredObject, body: string, contentType = 'none'): SentObject {
  switch (contentType) {
    case 'application/json-patch+json':
      return jsonPatch(object, JSON.parse(body) as []);
    case 'application/merge-patch+json':
      return mergePatched(object, JSON.parse(body) as MergePatch);
    default:
      throw new Refused(415, 'UnsupportedMediaType', `${contentType} is not supported`);
  }
}

function viewOf(accept = ''): View {
  return accept.includes('as=PartialObjectMetadata') ? metadataAlone : whole;
}

function whole(object: StoredObject): StoredObject {
  return object;
}

function metadataAlone({ metadata }: StoredObject): StoredObject {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata };
}

const LIKE = { apiVersion: 'v1', kind: 'Bookmark' };

/**
 * `sent` without the part that the write must not change: all but the status for a write of the subresource, the status otherwise. Every
 * `status` is a subresource.
 */
function merged({ subresource }: ApiRoute, before: StoredObject | undefined, sent: SentObject): SentObject {
  if (subresource === 'status' && before !== undefined)
    return {
      ...before,
      metadata: { ...before.metadata, ...pick(sent.metadata, 'resourceVersion') },
      status: sent['status'],
    };
  const { status: _status, ...rest } = sent;
  return { ...rest, ...(before !== undefined && pick(before, 'status')) };
}

function pick(object: object, name: string): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key === name));
}

function selectionOf({ collection, namespace, query }: ApiRoute): Selection {
  const labels = terms(query['labelSelector']);
  const fields = terms(query['fieldSelector']);
  return {
    collection,
    namespace,
    matches: ({ metadata }) =>
      labels.every(([name, value]) => {
        const found = metadata.labels?.[name];
        return value === undefined ? found !== undefined : found === value;
      }) && fields.every(([name, value]) => metadata[name.replace('metadata.', '')] === value),
  };
}

/** A term without a value selects everything that has the name. */
function terms(selector = ''): [string, string | undefined][] {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => term.split('=') as [string, string | undefined]);
}

function refuseFuture(store: ApiStore, query: ApiQuery): void {
  const wanted = Number(query['resourceVersion'] ?? 0);
  if (query['resourceVersionMatch'] !== 'NotOlderThan' || wanted <= store.version) return;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  throw new Refused(504, 'Timeout', `Too large resource version: ${wanted}, current: ${store.version}`, {
    causes,
  });
}

function clientNameOf(socket: Socket | TLSSocket): string | undefined {
  if (!('getPeerCertificate' in socket)) return undefined;
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  const name = subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
