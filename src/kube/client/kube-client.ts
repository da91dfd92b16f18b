import { isNotFound, KubeError } from '../kube-error.ts';
import type { CallOptions, KubeClient, KubeObject, ObjectKey, Resource } from '../types.ts';
import { decodeObject, decodePage } from './decode.ts';
import { listPages, type ListLimits, type PageQuery } from './list-pages.ts';
import { callName, objectPath, resourcePath, type ResourceTarget } from './resource-path.ts';
import {
  createKubeTransport,
  type KubeRequest,
  type KubeTransportDeps,
  type KubeTransportLimits,
} from './kube-transport.ts';
import { watchEvents, type WatchLimits } from './watch-events.ts';

export interface KubeClientLimits extends KubeTransportLimits, WatchLimits, ListLimits {}

export const KUBE_CLIENT_LIMITS: KubeClientLimits = {
  // Half of what a Gardener extension uses (its `app.go`: 100/s, 130 at once).
  rate: { perSecond: 50, burst: 100 },
  callMs: 30_000,
  // A page of 500 objects with 128 KiB each. A page of the largest possible objects would take ten times as much memory.
  answerBytes: 64 * 1024 * 1024,
  pages: Infinity,
  lineBytes: 8 * 1024 * 1024,
  silenceMs: 180_000,
  overtimeMs: 30_000,
};

export interface KubeClientOptions {
  /** `larder/<version> (<program>)`. The part before the slash is the field manager of all writes except apply. */
  readonly userAgent: string;
  readonly limits?: KubeClientLimits;
}

export interface ClosableKubeClient extends KubeClient {
  /** Ends running calls and watches. */
  close(): Promise<void>;
}

/** Creates a client of the API server behind `connection`. */
export function createKubeClient(deps: KubeTransportDeps, options: KubeClientOptions): ClosableKubeClient {
  const limits = options.limits ?? KUBE_CLIENT_LIMITS;
  const transport = createKubeTransport(deps, { userAgent: options.userAgent, limits });

  /** Sends a call whose answer is the object. */
  async function send<T extends KubeObject>(
    resource: Resource<T>,
    request: Omit<KubeRequest, 'resource'>,
    signal: AbortSignal,
  ): Promise<T> {
    return decodeObject(await transport.call({ ...request, resource }, signal), resource, request.what);
  }

  async function patch<T extends KubeObject>(
    resource: Resource<T>,
    { namespace, name }: ObjectKey,
    body: KubeRequest['body'],
    { signal, dryRun, subresource }: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T> {
    const request = named('patch', 'PATCH', resource, { namespace, name, subresource });
    return send(resource, { ...request, query: dryRunQuery(dryRun), body }, signal);
  }

  return {
    async get(resource, key, { signal }) {
      return send(resource, named('get', 'GET', resource, key), signal);
    },

    async list(resource, { namespace, labelSelector, fieldSelector, notOlderThan, page: one }, { signal }) {
      const request = collection('list', 'GET', resource, { namespace });
      const fetchPage = async (page: PageQuery) => {
        // The token decides how old the later pages are.
        const first = page.continue === undefined ? notOlderThanQuery(notOlderThan) : {};
        const query = { labelSelector, fieldSelector, ...first, ...page };
        return decodePage(await transport.call({ ...request, query }, signal), resource, request.what);
      };
      if (one === undefined) return listPages(fetchPage, limits);
      const { limit, continueToken: token } = one;
      const next = token === undefined ? {} : { continue: token };
      const { continueToken, ...page } = await fetchPage({ limit: String(limit), ...next });
      return continueToken === undefined ? page : { ...page, continueToken };
    },

    async create(resource, object, { signal, dryRun }) {
      const { namespace, name } = object.metadata;
      const what = callName('create', resource, { namespace, name });
      needWhole(resource, what);
      const request = collection('create', 'POST', resource, { namespace });
      return send(resource, { ...request, what, query: dryRunQuery(dryRun), body: json(object) }, signal);
    },

    async replace(resource, object, { signal, dryRun, subresource }) {
      const request = named('update', 'PUT', resource, { ...object.metadata, subresource });
      needWhole(resource, request.what);
      return send(resource, { ...request, query: dryRunQuery(dryRun), body: json(object) }, signal);
    },

    async apply(resource, intent, { signal, dryRun, fieldManager, force, subresource }) {
      const request = named('apply', 'PATCH', resource, { ...intent.metadata, subresource });
      const query = { ...dryRunQuery(dryRun), fieldManager, force: String(force) };
      // JSON is valid YAML.
      const body = { contentType: 'application/apply-patch+yaml', content: intent };
      return send(resource, { ...request, query, body }, signal);
    },

    async patch(resource, key, content, options) {
      return patch(resource, key, { contentType: 'application/json-patch+json', content }, options);
    },

    async mergePatch(resource, key, content, options) {
      return patch(resource, key, { contentType: 'application/merge-patch+json', content }, options);
    },

    async delete(resource, key, { signal, dryRun, uid, resourceVersion, ...options }) {
      const body = json({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        propagationPolicy: options.propagationPolicy,
        gracePeriodSeconds: options.gracePeriodSeconds,
        // The server ignores query options if the request has a body.
        ...(dryRun === true && { dryRun: ['All'] }),
      });
      try {
        await transport.call({ ...named('delete', 'DELETE', resource, key), resource, body }, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },

    watch(resource, query, signal) {
      const { namespace, labelSelector, fieldSelector, timeoutSeconds, initialEvents } = query;
      const request = {
        ...collection('watch', 'GET', resource, { namespace }),
        resource,
        timeoutSeconds,
        query: {
          watch: '1',
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(timeoutSeconds),
          labelSelector,
          fieldSelector,
          resourceVersion: query.resourceVersion,
          ...(initialEvents === true && { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
        },
      };
      return watchEvents({ transport, clock: deps.clock }, request, limits, signal);
    },

    close: () => transport.close(),
  };
}

/** Request for one object. */
function named(
  verb: string,
  method: KubeRequest['method'],
  resource: Resource,
  target: ResourceTarget & { readonly name: string },
): KubeRequest {
  const path = objectPath(resource, target, target.subresource);
  return { verb, method, resource, path, what: callName(verb, resource, target) };
}

/** Request for all objects of a kind or namespace. */
function collection(
  verb: string,
  method: KubeRequest['method'],
  resource: Resource,
  target: ResourceTarget,
): KubeRequest {
  const path = resourcePath(resource, target);
  return { verb, method, resource, path, what: callName(verb, resource, target) };
}

/** Refuses to write metadata as a whole object: the write would delete all fields that were not fetched. */
function needWhole({ metadataOnly }: Resource, what: string): void {
  if (metadataOnly !== true) return;
  throw new KubeError(`${what}: expected a whole object, found metadata`, {
    httpStatus: 400,
    reason: 'BadRequest',
  });
}

function json(content: unknown): KubeRequest['body'] {
  return { contentType: 'application/json', content };
}

function dryRunQuery(dryRun: boolean | undefined): { readonly dryRun?: string } {
  return dryRun === true ? { dryRun: 'All' } : {};
}

function notOlderThanQuery(version: string | undefined): Readonly<Record<string, string>> {
  return version === undefined ? {} : { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' };
}
