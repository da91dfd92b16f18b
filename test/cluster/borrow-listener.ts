import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Place } from '../kit/place.ts';

const LENDER = fileURLToPath(new URL('lend-listener.ts', import.meta.url));

/**
 * Implements {@link Place.listen} for a network namespace. A listening socket belongs to the network in which it was opened, and another
 * process may receive it, so no proxy is needed between the networks. Throws an `Error` if the address is in use.
 */
export async function borrowListener(
  enter: readonly string[],
  server: Server,
  { address, port }: Parameters<Place['listen']>[1],
): Promise<void> {
  const [command, ...args] = [...enter, process.execPath, LENDER, address, String(port)];
  const lender = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  const gone = text(lender.stderr!);
  const lent = new Promise<Server>((resolve) =>
    lender.once('message', (_, handle) => resolve(handle as Server)),
  );
  const listener = await Promise.race([lent, gone]);
  if (typeof listener === 'string')
    throw new Error(`cannot listen at ${address}:${port} in that place:\n${listener}`);
  server.listen(listener);
  if (!server.listening) await once(server, 'listening');
  await gone;
}
