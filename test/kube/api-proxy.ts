/**
 * A proxy in front of a real API server or its stand-in. It counts requests and makes faults on demand. TLS ends here, so all clients have
 * the identity of the proxy's own certificate. Without a certificate the client's token counts.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { kubeconfigOf, type ApiAccess } from '../cluster/kubeconfig.ts';
import { createTestPki, type KeyPair } from '../kit/certificate.ts';
import { tempDir } from '../kit/temp.ts';
import { answerFault } from './api-answers.ts';
import { FaultPlan, type ProxyFault } from './api-faults.ts';
import { ApiLink } from './api-link.ts';
import { routeOf } from './api-route.ts';
import { FaultyBody } from './faulty-body.ts';
import { faultyEvents } from './faulty-events.ts';

export interface ApiProxyOptions {
  /** The server behind, and its authority if it has TLS. */
  readonly server: string;
  readonly ca?: string;
  /** Identity of all clients for the server behind: `accessFor(...)` of a real one. */
  readonly client?: KeyPair;
}

export interface ProxiedRequest {
  /** As the API server calls it: an apply is a `patch`. */
  readonly verb: string;
  /** `widgets.test.example`, with `/status` for a write of that; empty if the path is no resource (`/readyz`). */
  readonly resource: string;
  readonly userAgent: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface RequestCount extends Pick<ProxiedRequest, 'verb' | 'resource' | 'userAgent'> {
  readonly count: number;
}

export interface ProxiedWatch extends Pick<FaultyBody, 'cut' | 'end' | 'stall'> {
  readonly request: ProxiedRequest;
}

export interface ApiProxy extends AsyncDisposable {
  /** Access to the proxy, by fields and as a file: `larder operator --kubeconfig`. */
  readonly access: ApiAccess;
  readonly kubeconfig: string;
  /** Faults to make. Those that count bytes affect every answer, after the server has done its work. */
  readonly faults: FaultPlan<ProxyFault>;
  /** Network to the proxy: slow, refused or lost on demand. */
  readonly link: ApiLink;
  /** Open watches. */
  readonly watches: readonly ProxiedWatch[];
  /** Requests since the start or the last `forget`, without refused connections. */
  requests(): readonly ProxiedRequest[];
  /** The same by verb, resource and user agent, the most frequent first. */
  counts(): readonly RequestCount[];
  forget(): void;
}

/** Starts on a free port of 127.0.0.1. */
export async function startApiProxy({ server, ca, client }: ApiProxyOptions): Promise<ApiProxy> {
  const pki = createTestPki();
  const directory = tempDir();
  const faults = new FaultPlan<ProxyFault>();
  const behind = new Agent({
    connect: { ...(ca !== undefined && { ca }), ...client },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const link = new ApiLink();
  const leaving = new AbortController();
  let requests: ProxiedRequest[] = [];
  let watches: { readonly request: ProxiedRequest; readonly body: FaultyBody }[] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const content = await read(incoming);
    const request = requestOf(incoming);
    requests.push(request);
    await link.travel();
    const fault = faults.take(request.verb);
    if (fault !== undefined && answerFault(response, fault)) return;
    const answer = await behind.request({
      origin: server,
      path: incoming.url ?? '/',
      method: incoming.method as Dispatcher.HttpMethod,
      headers: passedOn(incoming.headers),
      body: content.length === 0 ? null : content,
      signal: leaving.signal,
    });
    // Readers of the body get the error, and often there is none left.
    answer.body.on('error', () => {});
    await link.travel();
    response.on('close', () => answer.body.destroy());
    if (response.destroyed) {
      answer.body.destroy();
      return;
    }
    response.writeHead(answer.statusCode, passedOn(answer.headers));
    response.flushHeaders();
    const body = new FaultyBody(response, fault);
    if (request.verb === 'watch') watches = [...openWatches(), { request, body }];
    for await (const part of faultyEvents(answer.body, fault)) {
      await link.passable();
      await body.write(part);
      if (body.isOver) return;
    }
    body.end();
  }

  function openWatches(): typeof watches {
    return watches.filter(({ body }) => !body.isOver);
  }

  const listener = createServer(pki.server(), (incoming, response) => {
    // The server behind is gone, or its answer broke off, and so does this one.
    handle(incoming, response).catch(() => response.destroy());
  });
  listener.on('connection', (socket: Socket) => link.join(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const { port } = listener.address() as AddressInfo;
  const access: ApiAccess = {
    server: `https://127.0.0.1:${port}`,
    ca: pki.caPem,
    client: pki.client({ commonName: 'anybody' }),
  };
  return {
    access,
    kubeconfig: directory.write('proxy.conf', kubeconfigOf(access)),
    faults,
    link,
    get watches() {
      return openWatches().map(({ request, body }) => ({
        request,
        cut: () => body.cut(),
        end: () => body.end(),
        stall: () => body.stall(),
      }));
    },
    requests: () => requests,
    counts: () => countsOf(requests),
    forget() {
      requests = [];
    },
    async [Symbol.asyncDispose]() {
      link.network = 'refused';
      leaving.abort(new Error('the proxy ends'));
      listener.close();
      await once(listener, 'close');
      await behind.destroy();
      directory[Symbol.dispose]();
    },
  };
}

function requestOf(incoming: IncomingMessage): ProxiedRequest {
  const { verb, resource, subresource, path, query } = routeOf(incoming);
  return {
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    userAgent: incoming.headers['user-agent'] ?? '',
    path,
    query,
  };
}

function countsOf(requests: readonly ProxiedRequest[]): readonly RequestCount[] {
  const same = Map.groupBy(requests, ({ verb, resource, userAgent }) =>
    [verb, resource, userAgent].join(' '),
  );
  return [...same.values()]
    .flatMap(([first, ...others]) => (first === undefined ? [] : [{ ...first, count: 1 + others.length }]))
    .map(({ verb, resource, userAgent, count }) => ({ verb, resource, userAgent, count }))
    .sort((a, b) => b.count - a.count);
}

/** Headers without those of the connection (RFC 9110, section 7.6.1). A fault may change the length. */
function passedOn<H extends Readonly<Record<string, unknown>>>(headers: H): H {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))) as H;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'host',
  'upgrade',
]);

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
