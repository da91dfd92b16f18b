import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { get } from 'node:http';

/** A replica behind a balancer. */
export interface Backend {
  readonly port: number;
  /** Port that answers `/readyz`. Undefined: it is always ready. */
  readonly healthPort?: number;
}

export interface Balancer extends AsyncDisposable {
  readonly port: number;
  /** Replicas to which connections go from now on. Existing connections stay. */
  route(backends: readonly Backend[]): void;
}

const LOOK_MS = 50;

/**
 * Stands for a Service in front of replicas, on 127.0.0.1: each new connection goes to the next replica that is ready. One that refuses is passed over, as
 * a Service does once its endpoints have changed.
 */
export async function startBalancer(port: number, first: readonly Backend[]): Promise<Balancer> {
  let backends = first;
  let ready: readonly number[] = [];
  let turn = 0;
  const sockets = new Set<Socket>();

  async function look(): Promise<void> {
    const states = await Promise.all(backends.map(isReady));
    ready = backends.filter((_, index) => states[index] === true).map((backend) => backend.port);
  }

  function forward(client: Socket, ports: readonly number[]): void {
    const [next, ...others] = ports;
    if (next === undefined) return void client.destroy();
    const server = connect(next, '127.0.0.1');
    const refused = (): void => forward(client, others);
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      sockets.add(server);
      join(client, server);
      join(server, client);
      server.once('close', () => sockets.delete(server));
    });
  }

  const server = createServer((client) => {
    sockets.add(client);
    client.once('close', () => sockets.delete(client));
    client.on('error', () => {});
    turn += 1;
    const from = turn % Math.max(1, ready.length);
    forward(client, [...ready.slice(from), ...ready.slice(0, from)]);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  await look();
  const looking = setInterval(() => void look(), LOOK_MS);
  return {
    port: (server.address() as { readonly port: number }).port,
    route(next) {
      backends = next;
      ready = ready.filter((one) => next.some((backend) => backend.port === one));
    },
    async [Symbol.asyncDispose]() {
      clearInterval(looking);
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function join(from: Socket, to: Socket): void {
  from.on('error', () => {});
  from.on('data', (chunk) => to.write(chunk));
  from.once('end', () => to.end());
  from.once('close', () => to.destroy());
}

async function isReady({ healthPort }: Backend): Promise<boolean> {
  if (healthPort === undefined) return true;
  return new Promise((resolve) => {
    const request = get(`http://127.0.0.1:${healthPort}/readyz`, { agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.once('error', () => resolve(false));
    request.setTimeout(1000, () => request.destroy());
  });
}
