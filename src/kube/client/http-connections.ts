import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import {
  Agent as HttpsAgent,
  request as requestHttps,
  type AgentOptions,
  type RequestOptions,
} from 'node:https';
import type { Socket } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import type { Clock } from '../../kit/clock.ts';
import type { KubeTls } from '../connection/connection.ts';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly tls: KubeTls;
}

/** Calls are short and share connections. A watch has a connection of its own for minutes and must not delay calls. */
export type RequestKind = 'call' | 'watch';

/** Connections to one API server. They open as requests need them and are reused only with the same TLS settings. */
export interface HttpConnections {
  /** Resolves with the answer once its headers have arrived. `signal` ends the request, body included. */
  send(request: HttpRequest, kind: RequestKind, signal: AbortSignal): Promise<IncomingMessage>;
  /** Ends all running requests and refuses new ones. */
  close(): void;
}

/** Uses node:http, which a node agent loads anyway. Decision 0008 has the price of another client. */
export function createHttpConnections(origin: string, clock: Clock): HttpConnections {
  const { protocol, hostname, port } = urlToHttpOptions(new URL(origin));
  const isTls = protocol === 'https:';
  const Agent = isTls ? HttpsAgent : HttpAgent;
  const agents = {
    call: new Agent({ ...KEEP, maxSockets: CALLS_AT_ONCE }),
    watch: new Agent(KEEP),
  };
  const running = new Set<ClientRequest>();
  let isClosed = false;

  function start({ method, path, headers, tls }: HttpRequest, kind: RequestKind, signal: AbortSignal) {
    const options = { protocol, hostname, port, method, path, headers, signal, agent: agents[kind] };
    const request = isTls ? requestHttps({ ...options, ...tlsOptions(tls) }) : requestHttp(options);
    running.add(request);
    request.once('close', () => running.delete(request));
    request.once('socket', (socket) => limitConnecting(request, socket));
    return request;
  }

  function limitConnecting(request: ClientRequest, socket: Socket): void {
    if (!socket.connecting) return;
    const cancel = clock.after(CONNECT_MS, () =>
      request.destroy(new Error(`no connection within ${CONNECT_MS} ms`)),
    );
    socket.once(isTls ? 'secureConnect' : 'connect', cancel);
    socket.once('close', cancel);
  }

  return {
    async send(what, kind, signal) {
      if (isClosed) throw new Error('the client is closed');
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const request = start(what, kind, signal);
        request.once('response', resolve);
        // Stays for errors after the answer has begun, which the body reports.
        request.on('error', reject);
        request.end(what.body);
      });
    },
    close() {
      isClosed = true;
      for (const request of running) request.destroy(new Error('the client was closed'));
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** More calls would only wait in the server's own queue (API priority and fairness). */
const CALLS_AT_ONCE = 16;
const CONNECT_MS = 10_000;
/** The API server closes idle connections after 90 s (its `IdleTimeout`), load balancers in front of it sooner. */
const IDLE_MS = 30_000;
const KEEP: AgentOptions = {
  keepAlive: true,
  timeout: IDLE_MS,
  // TCP keep-alive, for silent watches.
  keepAliveMsecs: 60_000,
};

/** Node.js reuses a connection only for a request with equal TLS options. */
function tlsOptions({ ca, cert, key, serverName, verify }: KubeTls): RequestOptions {
  return {
    rejectUnauthorized: verify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
