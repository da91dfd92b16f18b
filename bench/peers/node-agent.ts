import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, ENTRY } from '../../deploy/image/bundle.ts';
import { tempDir, waitFor } from '../../test/kit/index.ts';
import { startDaemon } from '../../test/parts/daemon.ts';
import { UPSTREAM } from './larder.ts';
import type { Peer } from './peer.ts';

export interface NodeAgentOptions {
  /** URL of the cache, whose certificate is for `localhost`. */
  readonly cache: string;
  readonly ca: string;
}

export interface NodeAgentPeer extends Peer {
  /** Authority that callers of the relay must trust, PEM. */
  readonly authority: string;
}

/** Flags of Node.js in the chart's DaemonSet. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--lite-mode'];
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1' };

/**
 * Starts the node agent as it runs on a node, from the bundle of the image, and waits until it relays. Throws an `Error` with its log if
 * it does not.
 */
export async function startNodeAgent({ cache, ca }: NodeAgentOptions): Promise<NodeAgentPeer> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  // The program of an image reads its version here.
  own.write('package.json', JSON.stringify({ version: '0.0.0', type: 'module' }));
  for (const [name, code] of (await bundle()).files) own.write(`bundle/cli/${name}`, code);
  const document = {
    revision: '1',
    ca,
    caches: [{ upstream: UPSTREAM, server: `https://${UPSTREAM}`, endpoint: cache, serverName: 'localhost' }],
  };
  const flags = {
    config: own.write('nodes.json', JSON.stringify(document)),
    address: '127.0.0.1:0',
    'certs-dir': join(own.path, 'certs.d'),
    'containerd-config': join(own.path, 'config.toml'),
    'log-format': 'json',
  };
  const args = [...NODE_FLAGS, join(own.path, 'bundle/cli', ENTRY), 'node-agent'];
  args.push(...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`));
  const ready =
    /"event":"ready","relay":"(.+?)"[^]*"event":"cache-up"|"event":"cache-up"[^]*"event":"ready","relay":"(.+?)"/;
  const command = process.execPath;
  const daemon = cleanup.use(
    await startDaemon({ name: 'node-agent', command, args, env: ENVIRONMENT, ready }),
  );
  const authorityFile = () => readdirSync(flags['certs-dir']).find((name) => name.endsWith('.pem'));
  const authority = await waitFor(authorityFile, { what: 'the authority of the relay' });
  const resources = cleanup.move();
  return {
    authority: readFileSync(join(flags['certs-dir'], authority), 'utf8'),
    url: (daemon.ready[1] ?? daemon.ready[2])!,
    pid: daemon.pid,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
