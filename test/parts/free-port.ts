import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below those that the kernel gives to connections (from 32768 on Linux), so that none has it before the program that it is for; above those of
 * Kubernetes' own programs.
 */
const PORTS = { from: 11_000, until: 20_000 };

/** A port of 127.0.0.1 that was free just now: for programs that cannot listen on port 0. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

/** As many, no two of them the same. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = randomInt(PORTS.from, PORTS.until);
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      held.set(port, server);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  const closed = [...held.values()].map((server) => once(server, 'close'));
  for (const server of held.values()) server.close();
  await Promise.all(closed);
  return [...held.keys()];
}
