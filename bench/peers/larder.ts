import { join } from 'node:path';
import { tempDir } from '../../test/kit/index.ts';
import { startDaemon } from '../../test/parts/daemon.ts';
import type { Peer } from './peer.ts';
import type { ServerKey } from './server-key.ts';

/** Name of the origin in Larder's configuration. */
export const UPSTREAM = 'origin.test';

/** Cache of another upstream in the configuration. */
export interface FurtherCache {
  readonly upstream: string;
  readonly remoteURL: string;
  readonly authentication?: { readonly realm: 'Cache' };
}

export interface LarderOptions {
  readonly origin: string;
  readonly furtherCaches?: readonly FurtherCache[];
  readonly tls?: ServerKey | undefined;
  /** Directory of the store, which is kept. Default: a temporary one. */
  readonly store?: string;
  /** Executable of another build. Default: the one of this checkout. */
  readonly executable?: string;
}

const EXECUTABLE = join(import.meta.dirname, '../../bin/larder');

export interface Larder extends Peer {
  /** URL of the admin listener. */
  readonly admin: string;
}

/** Starts the built Larder with its defaults. Throws an `Error` with its log if it does not start. */
export async function startLarder({
  origin,
  furtherCaches = [],
  tls,
  store,
  executable = EXECUTABLE,
}: LarderOptions): Promise<Larder> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const config = own.write('config.yaml', JSON.stringify(configurationOf(origin, furtherCaches))); // JSON is YAML too.
  const args = [
    'serve',
    '--config',
    config,
    '--store',
    store ?? join(own.path, 'store'),
    '--log-format',
    'json',
  ];
  args.push('--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0');
  if (tls !== undefined) {
    args.push('--tls-cert', own.write('cert.pem', tls.cert), '--tls-key', own.write('key.pem', tls.key));
  }
  const ready = /"event":"ready","registry":"(.+?)\/?","admin":"(.+?)\/?"/;
  const daemon = cleanup.use(await startDaemon({ name: 'larder', command: executable, args, ready }));
  const resources = cleanup.move();
  return {
    url: daemon.ready[1]!,
    admin: daemon.ready[2]!,
    pid: daemon.pid,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function configurationOf(origin: string, furtherCaches: readonly FurtherCache[]): object {
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    caches: [{ upstream: UPSTREAM, remoteURL: origin }, ...furtherCaches],
  };
}
