import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Place } from '../kit/place.ts';

const LENDER = fileURLToPath(new URL('lend-listener.ts', import.meta.url));

/**
 * {@link Place.listen} for a network namespace. A listening socket belongs to the network that it was opened in, and may be
 * handed to a process elsewhere: so nothing has to carry bytes between the two. Throws an `Error` when the address is taken.
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
    throw new Error(`nobody can listen at ${address}:${port} there:\n${listener}`);
  server.listen(listener);
  if (!server.listening) await once(server, 'listening');
  await gone;
}
