/**
 * Stands in for the services of clouds that give logins, all at one loopback address: the APIs of ECR and ECR Public, the credentials of an
 * ECS or EKS container, STS, the metadata servers of Google and Azure. The test chooses the logins, and all requests are counted.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTestPki } from './certificate.ts';
import { behindProxyAt, metadataAt, REAL_NAMES } from './cloud/environment.ts';
import { ANSWERS, REFUSAL, serviceOf, type CloudService } from './cloud/services.ts';
import { tempDir } from './temp.ts';

export interface CloudRequest {
  readonly service: CloudService;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Cloud extends AsyncDisposable {
  /** The next login: the password of ECR, the access token of Google or Azure. */
  secret: string;
  /** Life of the next login. */
  lifeSeconds: number;
  /** `refuses`: 403 to every request, as to an identity that is not allowed to. `hangs`: no answer at all. */
  mood: 'answers' | 'refuses' | 'hangs';
  readonly requests: readonly CloudRequest[];
  count(service: CloudService): number;
  /** Environment variables that lead the clouds' own clients here. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts the services on free ports. With `behindProxy` they have the names of the real services, behind a proxy and with TLS, and
 * the identity is that of a service account with a token in a file.
 */
export async function startCloud(secret: string, { behindProxy = false } = {}): Promise<Cloud> {
  const requests: CloudRequest[] = [];
  const pki = createTestPki(REAL_NAMES);
  const server = createServer((request, response) => void answer(request, response));
  const tlsServer = createTlsServer(pki.server(), (request, response) => void answer(request, response));
  const files = tempDir();
  const tunnels = new Set<Socket>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const service = serviceOf(request, body);
    requests.push({ service, url: request.url ?? '', headers: request.headers, body });
    if (cloud.mood === 'hangs') return;
    const { status, headers, content } = (cloud.mood === 'refuses' ? REFUSAL : ANSWERS[service])(
      cloud,
      request,
    );
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof content === 'string' ? content : JSON.stringify(content));
  }

  const host = await listen(server);
  const tlsPort = Number((await listen(tlsServer)).split(':')[1]);
  server.on('connect', (_, client: Socket) => {
    const behind = connect(tlsPort, '127.0.0.1');
    for (const socket of [client, behind])
      socket.on('error', () => [client, behind].forEach((one) => one.destroy()));
    client.write('HTTP/1.1 200 OK\r\n\r\n');
    client.pipe(behind).pipe(client);
    tunnels.add(client).add(behind);
  });
  const cloud: Cloud = {
    secret,
    lifeSeconds: 3600,
    mood: 'answers',
    requests,
    count: (service) => requests.filter((request) => request.service === service).length,
    environment: behindProxy ? behindProxyAt(host, files, pki) : metadataAt(host),
    async [Symbol.asyncDispose]() {
      const closed = [server, tlsServer].map((one) => new Promise((resolve) => one.close(resolve)));
      for (const one of [server, tlsServer]) one.closeAllConnections();
      for (const socket of tunnels) socket.destroy();
      await Promise.all(closed);
      files[Symbol.dispose]();
    },
  };
  return cloud;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
