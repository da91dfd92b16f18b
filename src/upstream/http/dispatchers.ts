import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, buildConnector, Pool, ProxyAgent, type Dispatcher } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { UpstreamLimits } from './limits.ts';

export interface DispatchersOptions {
  readonly limits: UpstreamLimits;
  readonly guard: AddressGuard;
  readonly clock: Clock;
  /** Gives CA certificates beside the system's, PEM. Called for each request, so that a changed bundle takes effect. */
  readonly caBundle: () => string | undefined;
  readonly proxyFor: (url: URL) => URL | undefined;
}

/** The connections of one upstream: a pool for each origin, direct or by proxy. */
export interface Dispatchers {
  /** Chooses the pools for a request to `url`. */
  pick(url: URL): Dispatcher;
  /** Waits for running requests, then closes every connection. */
  close(): Promise<void>;
}

/** Opens connections as requests need them. */
export function createDispatchers(options: DispatchersOptions): Dispatchers {
  const retired = new Set<Promise<void>>();
  let pools = createPools(options, options.caBundle());

  return {
    pick(url) {
      const bundle = options.caBundle();
      if (bundle !== pools.bundle) {
        const old = pools.close().finally(() => retired.delete(old));
        retired.add(old);
        pools = createPools(options, bundle);
      }
      return pools.pick(options.proxyFor(url));
    },
    async close() {
      await Promise.all([pools.close(), ...retired]);
    },
  };
}

interface Pools {
  readonly bundle: string | undefined;
  pick(proxy: URL | undefined): Dispatcher;
  close(): Promise<void>;
}

function createPools(options: DispatchersOptions, bundle: string | undefined): Pools {
  const { limits } = options;
  const secureContext = bundle === undefined ? undefined : trusting(bundle);
  const pool = {
    connections: limits.connections,
    maxHeaderSize: limits.headerBytes,
    // A server that closes idle connections earlier announces that by `Keep-Alive`. Without the header it costs a retry, see transport.ts.
    keepAliveTimeout: limits.idleMs,
    // Applies also to a server that announces a longer time.
    keepAliveMaxTimeout: limits.idleMs,
    allowH2: false,
  };
  const direct = new Agent({ ...pool, connect: connector(options, secureContext) });
  const byProxy = new Map<string, ProxyAgent>();

  function proxied({ href }: URL): Dispatcher {
    const known = byProxy.get(href);
    if (known !== undefined) return known;
    const agent = new ProxyAgent({
      ...pool,
      uri: href,
      connectTimeout: limits.connectMs,
      requestTls: { allowH2: false, ...(secureContext && { secureContext }) },
      factory: (origin, given) => new Pool(origin, { ...(given as Pool.Options), ...pool }),
    });
    byProxy.set(href, agent);
    return agent;
  }

  return {
    bundle,
    pick: (proxy) => (proxy === undefined ? direct : proxied(proxy)),
    async close() {
      await Promise.all([direct, ...byProxy.values()].map((agent) => agent.close()));
    },
  };
}

/** Connects to addresses that the guard allows, within the limit by the injected clock. */
function connector(
  { limits, guard, clock }: DispatchersOptions,
  secureContext: SecureContext | undefined,
): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: 0,
    lookup: guard.lookup,
    ...(secureContext && { secureContext }),
  }) as (...args: Parameters<buildConnector.connector>) => { destroy(error: Error): void };

  return (target, callback) => {
    const socket = connect(target, (...result) => {
      cancel();
      callback(...result);
    });
    const cancel = clock.after(limits.connectMs, () =>
      socket.destroy(
        new LarderError(
          'UPSTREAM_TIMEOUT',
          `${target.host ?? target.hostname}: no connection within ${limits.connectMs} ms`,
        ),
      ),
    );
  };
}

/** Trusts the bundle beside Node's own authorities, NODE_EXTRA_CA_CERTS included. */
function trusting(bundle: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), bundle] });
}
