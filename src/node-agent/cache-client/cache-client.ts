import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { afterSockets } from './after-sockets.ts';
import {
  openCacheConnection,
  type AnswerReceiver,
  type CacheAddress,
  type CacheConnection,
  type ConnectionEvents,
} from './cache-connection.ts';
import {
  startRelayedRequest,
  type CacheRequest,
  type RelayedRequest,
  type RelayedRequestDeps,
} from './relayed-request.ts';
import type { Slabs } from './slabs.ts';

/** A cache in the same cluster connects within milliseconds, TLS included, unless it is very busy. containerd would wait for 30 s. */
const CONNECT_MS = 1_000;
/**
 * The kernel of the cache's host accepts connections, however busy the cache is. Together with `LATE_MS` this stays below the 50 ms that a
 * request may lose to a dead host. A distant host gets twice the time its connections took before.
 */
const REACH_MS = 30;
/** One lost packet is no lost host. */
const TRIALS = 2;
/**
 * Limit for one cache. containerd asks for 3 layers of an image at a time. A connection whose client does not read takes 512 KiB of
 * buffers, and 384 KiB more of TLS towards that client.
 */
const MOST_CONNECTIONS = 128;
/** Idle connections to keep. A cache closes them after 20 s; the agent must close them first. */
const IDLE_CONNECTIONS = 8;
const IDLE_MS = 15_000;

/** The connections to one cache, and the requests sent over them. */
export interface CacheClient {
  /** Sends a request. The returned function gives the request up, and the receiver is not called afterwards. */
  send(request: CacheRequest, receiver: AnswerReceiver): () => void;
  /** Fails every request that waits for an answer or for more of its body. */
  failWaiting(reason: Error): void;
  /** Closes idle connections and lets running answers end. Calls `onEnd` after the last answer, or at once without any. */
  close(onEnd?: () => void): void;
}

export interface CacheClientOptions {
  /** `https://HOST:PORT`, or `http://HOST:PORT` without TLS. */
  readonly endpoint: string;
  readonly serverName: string;
  readonly ca: string;
}

export function createCacheClient(clock: Clock, slabs: Slabs, options: CacheClientOptions): CacheClient {
  const address = addressOf(options);
  /** A host name takes the time of its resolver and may have several addresses. */
  const isAddress = isIP(address.host) !== 0;
  const idle = new Map<CacheConnection, () => void>();
  const running = new Set<RelayedRequest>();
  let connections = 0;
  let isClosed = false;
  let isChecking = false;
  let onLastEnd = (): void => {};
  /** Time to connect. A busy process measures too much, so the value grows slowly. */
  let distanceMs = 0;
  const deps: RelayedRequestDeps = { clock, open, onLate: checkHost, onEnd };

  return {
    send(request, receiver) {
      const reused = lastIdle();
      const connection = reused ?? open(request.isProbe);
      if (connection === undefined) {
        const reason = `all ${MOST_CONNECTIONS} connections to the cache are busy`;
        receiver.failed(new LarderError('OVERLOADED', reason), false);
        return () => {};
      }
      const relayed = startRelayedRequest(deps, request, receiver, connection, reused !== undefined);
      running.add(relayed);
      return () => relayed.giveUp();
    },
    failWaiting,
    close(onEnd = () => {}) {
      isClosed = true;
      onLastEnd = onEnd;
      for (const connection of idle.keys()) connection.destroy();
      endIfLast();
    },
  };

  function onEnd(relayed: RelayedRequest): void {
    running.delete(relayed);
    if (isClosed) endIfLast();
  }

  function endIfLast(): void {
    if ([...running].every(({ isProbe }) => isProbe)) onLastEnd();
  }

  function failWaiting(reason: Error): void {
    for (const relayed of running) relayed.failWaiting(reason);
  }

  /** Fails waiting requests if the host accepts no new connection. An open connection to a dead host looks the same as a slow one. */
  function checkHost(): void {
    if (isChecking || !isAddress) return;
    isChecking = true;
    const trials = Array.from({ length: TRIALS }, () => tryToReach());
    Promise.any(trials)
      .catch(({ errors }: AggregateError) => failWaiting(errors[0] as Error))
      .finally(() => (isChecking = false));
  }

  function tryToReach(): Promise<void> {
    const trial = connect({ ...address, tls: undefined }, { mayWait: false, onIdle() {}, onClose() {} });
    return trial.ready.then(() => trial.destroy());
  }

  /** Undefined if there are too many connections. A probe always gets one. */
  function open(isProbe = false): CacheConnection | undefined {
    if (connections >= MOST_CONNECTIONS && !isProbe) return undefined;
    connections += 1;
    const connection = connect(address, {
      mayWait: isProbe,
      onIdle: () => keep(connection),
      onClose: () => {
        connections -= 1;
        cancel();
        forgetIdle(connection);
      },
    });
    const cancel = clock.after(CONNECT_MS, () =>
      connection.destroy(
        new LarderError('UPSTREAM_TIMEOUT', `no connection to the cache within ${CONNECT_MS} ms`),
      ),
    );
    connection.ready.then(cancel, () => {});
    return connection;
  }

  /** Connects. Unless `mayWait`, gives up if the host does not accept the connection at once. */
  function connect(to: CacheAddress, { mayWait, ...events }: ConnectOptions): CacheConnection {
    const began = clock.monotonic();
    let cancel = (): void => {};
    const onReach = (): void => {
      cancel();
      const ms = clock.monotonic() - began;
      distanceMs = Math.min(ms, (ms + distanceMs) / 2);
    };
    const connection = openCacheConnection(to, slabs, { onReach, ...events });
    if (mayWait || !isAddress) return connection;
    const limitMs = Math.max(REACH_MS, 2 * distanceMs);
    const unreachable = new LarderError(
      'UPSTREAM_TIMEOUT',
      `the host of the cache accepted no connection within ${limitMs} ms`,
    );
    cancel = afterSockets(clock, limitMs, () => connection.destroy(unreachable));
    return connection;
  }

  function keep(connection: CacheConnection): void {
    if (isClosed || idle.size >= IDLE_CONNECTIONS) {
      connection.destroy();
      return;
    }
    idle.set(
      connection,
      clock.after(IDLE_MS, () => connection.destroy()),
    );
  }

  function lastIdle(): CacheConnection | undefined {
    const connection = [...idle.keys()].findLast(({ isIdle }) => isIdle);
    if (connection !== undefined) forgetIdle(connection);
    return connection;
  }

  function forgetIdle(connection: CacheConnection): void {
    idle.get(connection)?.();
    idle.delete(connection);
  }
}

type ConnectOptions = Omit<ConnectionEvents, 'onReach'> & { readonly mayWait: boolean };

function addressOf({ endpoint, serverName, ca }: CacheClientOptions): CacheAddress {
  const { protocol, hostname, port } = new URL(endpoint);
  const isTls = protocol === 'https:';
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    tls: isTls
      ? // Trusts only the operator's authority: a public authority proves nothing about a cache.
        { servername: serverName, secureContext: createSecureContext({ ca, minVersion: 'TLSv1.3' }) }
      : undefined,
  };
}
