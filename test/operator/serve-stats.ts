import { createServer } from 'node:http';
import { once } from 'node:events';
import { PORTS } from '../../src/operator/render/cache-names.ts';

/**
 * Serves the statistics of a cache at the admin port of every cache, on its own loopback address. For an answer of undefined the connection
 * ends without a response.
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
