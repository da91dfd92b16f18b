import { join } from 'node:path';
import { tempDir } from '../../test/kit/index.ts';
import { startDaemon } from '../../test/parts/daemon.ts';
import { UPSTREAM } from './larder.ts';
import type { Peer } from './peer.ts';

export interface NodeAgentOptions {
  /** URL of the cache, which has a certificate for `localhost`. */
  readonly cache: string;
  readonly ca: string;
}

const EXECUTABLE = join(import.meta.dirname, '../../bin/larder');

/** Starts the built node agent with its defaults, and waits until it relays. Throws an `Error` with its log when it does not. */
export async function startNodeAgent({ cache, ca }: NodeAgentOptions): Promise<Peer> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const document = {
    revision: '1',
    ca,
    caches: [{ upstream: UPSTREAM, server: `https://${UPSTREAM}`, endpoint: cache, serverName: 'localhost' }],
  };
  const args = ['node-agent', '--config', own.write('nodes.json', JSON.stringify(document))];
  args.push('--address', '127.0.0.1:0', '--certs-dir', join(own.path, 'certs.d'), '--log-format', 'json');
  args.push('--containerd-config', join(own.path, 'config.toml'));
  const ready =
    /"event":"ready","relay":"(.+?)"[^]*"event":"cache-up"|"event":"cache-up"[^]*"event":"ready","relay":"(.+?)"/;
  const daemon = cleanup.use(await startDaemon({ name: 'node-agent', command: EXECUTABLE, args, ready }));
  const resources = cleanup.move();
  return {
    url: (daemon.ready[1] ?? daemon.ready[2])!,
    pid: daemon.pid,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
