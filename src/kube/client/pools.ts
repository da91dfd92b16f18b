import { Pool } from 'undici';
import type { KubeTls } from '../connection/connection.ts';

/** Calls are short and share connections; a watch has one for itself for minutes, and must not keep calls waiting. */
export type PoolFor = 'calls' | 'watches';

/** The connections to one API server. */
export interface Pools {
  /** The pool for requests on these terms; other terms than before mean new connections, the old ones end with their requests. */
  pick(tls: KubeTls, what: PoolFor): Pool;
  /** Ends all requests that still run. */
  close(): Promise<void>;
}

/** No connections yet; they open as requests need them. */
export function createPools(origin: string): Pools {
  const retired = new Set<Pool>();
  let current: { readonly tls: KubeTls; readonly pools: Readonly<Record<PoolFor, Pool>> } | undefined;

  function retire(pool: Pool): void {
    retired.add(pool);
    // Cannot fail but by being destroyed, which is what `close` does.
    pool.close().then(
      () => retired.delete(pool),
      () => retired.delete(pool),
    );
  }

  return {
    pick(tls, what) {
      if (current === undefined || !sameTls(current.tls, tls)) {
        if (current !== undefined) Object.values(current.pools).forEach(retire);
        const calls = createPool(origin, tls, CALLS_AT_ONCE);
        current = { tls, pools: { calls, watches: createPool(origin, tls, null) } };
      }
      return current.pools[what];
    },
    async close() {
      const pools = [...retired, ...Object.values(current?.pools ?? {})];
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

/** More would only wait in the server's own queue (API priority and fairness). */
const CALLS_AT_ONCE = 16;
/** The API server closes idle connections after 90 s (its `IdleTimeout`), load balancers before it sooner. */
const KEEP_ALIVE_MS = 30_000;
/** By undici's own clock: the limit of the whole request, which the caller sets, is longer. */
const CONNECT_MS = 10_000;

function createPool(origin: string, tls: KubeTls, connections: number | null): Pool {
  const { ca, cert, key, serverName, verify } = tls;
  return new Pool(origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // Both limits are kept by the caller, by the injected clock. A watch may be silent for minutes.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_MS,
      // undici turns TCP keep-alive on by itself, after 60 s of silence.
      rejectUnauthorized: verify,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { servername: serverName }),
    },
  });
}

function sameTls(a: KubeTls, b: KubeTls): boolean {
  return (
    a.ca === b.ca &&
    a.cert === b.cert &&
    a.key === b.key &&
    a.serverName === b.serverName &&
    a.verify === b.verify
  );
}
