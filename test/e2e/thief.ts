import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createTestPki } from '../kit/index.ts';
import type { Cluster } from '../cluster/start-cluster.ts';

/** Somebody who wants to be the registry of a node: its Pods ask for the port of the relay and need no right but to be created. */
export interface Thief extends AsyncDisposable {
  /** Creates or changes its Pods; none of them has to run. */
  want(pods: { readonly count: number; readonly priorityClassName?: string }): Promise<void>;
  /** Counts its Pods that have the port now. */
  running(): Promise<number>;
  /** Counts those that a node has taken so far. */
  admitted(): Promise<number>;
  /** Takes all of its Pods away. */
  giveUp(): Promise<void>;
  /** Takes the port as a program of the node does. */
  listenOnNode(port: number): Promise<Disposable>;
  /** Its address, as the node reaches it. */
  readonly address: string;
  /** Since the last `forget`: connections, and requests that it could read. */
  readonly connections: () => number;
  readonly requests: () => readonly string[];
  forget(): void;
}

const PORT = 7777;
const TLS_HANDSHAKE = 0x16;
/** A Pod that has to leave takes its time. */
const GRACE_SECONDS = 3;

/**
 * Its Pods carry each connection to a server of the test, which takes TLS with a certificate of its own for the address that containerd asks, and plain
 * HTTP, asks for a login, and says that it has whatever is asked for.
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
    async admitted() {
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

/** Starts a server of the test's own. */
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
