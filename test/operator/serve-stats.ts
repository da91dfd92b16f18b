import { createServer } from 'node:http';
import { once } from 'node:events';
import { PORTS } from '../../src/operator/render/cache-names.ts';

/**
 * A cache as far as the operator asks it how it does. Loopback has addresses enough, and the port is the one of every cache. An answer of
 * undefined is none: the connection ends.
 */
export async function serveStats(address: string, answer: () => unknown): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const stats = answer();
    if (stats === undefined) request.destroy();
    else response.end(JSON.stringify(stats));
  });
  server.listen(PORTS.admin, address);
  await once(server, 'listening');
  return { [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))) };
}
