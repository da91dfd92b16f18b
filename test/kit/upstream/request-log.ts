/** Records every request to the upstream, with the filter that faults, counters and waits share. */
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestKind } from './route.ts';

/** The sender of a request: the header's kind and its user. */
export interface Identity {
  readonly kind: 'none' | 'basic' | 'bearer' | 'other';
  /** The user whose credential it is; `anonymous` for a token that was issued without one; undefined when unknown. */
  readonly user: string | undefined;
  /** False for a wrong password and for an unknown, expired or revoked token. True without any credential. */
  readonly valid: boolean;
  /** The header as it was sent. */
  readonly raw: string | undefined;
}

/** The end of a response: all of it handed to the socket, cut by a fault, left by the client, or not yet. */
export type Ending = 'running' | 'complete' | 'cut' | 'aborted';

export interface RequestRecord {
  /** 1 for the first request since the start or the last reset. */
  readonly sequence: number;
  readonly method: string;
  readonly kind: RequestKind;
  /** The path without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly repository: string | undefined;
  /** Tag or digest, as asked for. */
  readonly reference: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly authorization: Identity;
  /** Number of the connection it came by, counted per origin from 1. */
  readonly connection: number;
  /** Digest of the content: at once when it was asked for by digest, for a tag once it is answered. */
  digest: string | undefined;
  /** 0 until the headers are sent. */
  status: number;
  /** Body bytes handed to the socket so far. A client that leaves may have read fewer, by what sockets buffer. */
  bodyBytes: number;
  ending: Ending;
}

/** A filter of requests. All given fields must match; a list means "one of these". */
export interface RequestFilter {
  readonly method?: OneOrMore<string>;
  readonly kind?: OneOrMore<RequestKind>;
  readonly repository?: OneOrMore<string>;
  /** Tag or digest as in the request. */
  readonly reference?: OneOrMore<string>;
  /** Digest of the content, asked for by it or (not for faults, which come before the answer) by tag. */
  readonly digest?: OneOrMore<string>;
  readonly status?: OneOrMore<number>;
  readonly authorization?: OneOrMore<Identity['kind']>;
  readonly user?: OneOrMore<string>;
  readonly ending?: OneOrMore<Ending>;
  readonly where?: (request: RequestRecord) => boolean;
}

export type OneOrMore<T> = T | readonly T[];

/** True if the request matches all fields of the filter. */
export function fits(request: RequestRecord, filter: RequestFilter): boolean {
  return (
    oneOf(filter.method, request.method) &&
    oneOf(filter.kind, request.kind) &&
    oneOf(filter.repository, request.repository) &&
    oneOf(filter.reference, request.reference) &&
    oneOf(filter.digest, request.digest) &&
    oneOf(filter.status, request.status) &&
    oneOf(filter.authorization, request.authorization.kind) &&
    oneOf(filter.user, request.authorization.user) &&
    oneOf(filter.ending, request.ending) &&
    (filter.where?.(request) ?? true)
  );
}

export interface RequestLog {
  readonly requests: readonly RequestRecord[];
  add(request: Omit<RequestRecord, 'sequence' | 'digest' | 'status' | 'bodyBytes' | 'ending'>): RequestRecord;
  /** Number of matching requests; without a filter all of them. */
  count(filter?: RequestFilter): number;
  /** Body bytes that were handed to sockets for matching requests. */
  bodyBytes(filter?: RequestFilter): number;
  /** Forgets all requests so far, including those that still run. */
  reset(): void;
}

/** An empty {@link RequestLog}. */
export function createRequestLog(): RequestLog {
  const requests: RequestRecord[] = [];
  const select = (filter: RequestFilter): RequestRecord[] =>
    requests.filter((request) => fits(request, filter));
  return {
    requests,
    add(request) {
      const record: RequestRecord = {
        ...request,
        sequence: requests.length + 1,
        digest: request.reference?.includes(':') ? request.reference : undefined,
        status: 0,
        bodyBytes: 0,
        ending: 'running',
      };
      requests.push(record);
      return record;
    },
    count: (filter = {}) => select(filter).length,
    bodyBytes: (filter = {}) => select(filter).reduce((sum, request) => sum + request.bodyBytes, 0),
    reset() {
      requests.length = 0;
    },
  };
}

function oneOf<T>(wanted: OneOrMore<T> | undefined, found: T | undefined): boolean {
  if (wanted === undefined) return true;
  return Array.isArray(wanted) ? wanted.includes(found) : wanted === found;
}
