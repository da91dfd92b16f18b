import { compare, type Row } from '../measure/row.ts';
import { peakMegabytes } from '../measure/process-usage.ts';
import { startDistribution } from './distribution.ts';
import { startLarder } from './larder.ts';
import { startNginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import type { ServerKey } from './server-key.ts';

export type CacheName = 'larder' | 'nginx' | 'distribution';

/** Caches of one case, all in front of the same origin. Disposing stops them. */
export interface Caches extends AsyncDisposable {
  readonly names: readonly CacheName[];
  /** Finds a cache of the case. Throws an `Error` for any other. */
  get(name: CacheName): Peer;
  /** Returns rows with the peak memory so far. */
  memoryRows(what: string): Row[];
}

export interface CacheOptions {
  readonly origin: string;
  /** Makes the caches serve TLS, except for Distribution. */
  readonly tls?: ServerKey | undefined;
}

const START = { larder: startLarder, nginx: startNginx, distribution: startDistribution };

/** Starts the named caches with empty stores. */
export async function startCaches(names: readonly CacheName[], options: CacheOptions): Promise<Caches> {
  await using starting = new AsyncDisposableStack();
  const peers = new Map<string, Peer>();
  for (const name of names) peers.set(name, starting.use(await START[name](options)));
  const running = starting.move();
  return {
    names,
    get(name) {
      const peer = peers.get(name);
      if (peer === undefined) throw new Error(`${name} was not started`);
      return peer;
    },
    memoryRows(what) {
      const samples = Object.fromEntries(
        [...peers].map(([name, { pid }]) => [name, [{ peak: peakMegabytes(pid) }]]),
      );
      return compare({ what: `${what}, peak memory`, unit: 'MB', better: 'less' }, samples, 'peak');
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
