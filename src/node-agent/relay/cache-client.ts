import { createSecureContext } from 'node:tls';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import {
  openCacheConnection,
  type AnswerReceiver,
  type CacheAddress,
  type CacheConnection,
} from './cache-connection.ts';
import type { Slabs } from './slabs.ts';

/** A cache in the same cluster connects in milliseconds; containerd would wait for 30 s. */
const CONNECT_MS = 1_000;
/** The cache answers within 20 s, or not at all; containerd waits for 30 s. */
const HEADERS_MS = 25_000;
/** Without headers for so long, it is worth asking whether the cache is still there. */
const SLOW_MS = 250;
/** Of one cache: containerd asks for 3 layers of an image at a time. A connection whose client does not read holds 768 KiB. */
const MOST_CONNECTIONS = 128;
/** Kept open without a request. A cache closes them after 75 s. */
const IDLE_CONNECTIONS = 8;
const IDLE_MS = 30_000;

export interface CacheRequest {
  /** The request as it goes out. */
  readonly bytes: Buffer | string;
  readonly isHead: boolean;
  /** It takes longer than usual. */
  readonly onSlow?: () => void;
}

/** One cache: its connections, and what is asked over them. */
export interface CacheClient {
  /** Asks; the returned function gives the request up. The receiver hears nothing after that. */
  send(request: CacheRequest, receiver: AnswerReceiver): () => void;
  /** Requests that have no answer yet fail with `reason`. */
  failWaiting(reason: Error): void;
  /** Closes what is idle; running answers end, and their connections with them. */
  close(): void;
}

export interface CacheClientOptions {
  /** `https://HOST:PORT`, or `http://HOST:PORT` for one without TLS. */
  readonly endpoint: string;
  readonly serverName: string;
  readonly ca: string;
}

export function createCacheClient(clock: Clock, slabs: Slabs, options: CacheClientOptions): CacheClient {
  const address = addressOf(options);
  const idle = new Map<CacheConnection, () => void>();
  const waiting = new Set<(reason: Error) => void>();
  let connections = 0;
  let isClosed = false;

  return {
    send(request, receiver) {
      const reused = lastIdle();
      if (reused !== undefined) return ask(reused, request, receiver, true);
      return ask(open(), request, receiver, false);
    },
    failWaiting(reason) {
      for (const fail of waiting) fail(reason);
    },
    close() {
      isClosed = true;
      for (const connection of idle.keys()) connection.destroy();
    },
  };

  function ask(
    connection: CacheConnection | undefined,
    request: CacheRequest,
    receiver: AnswerReceiver,
    isReused: boolean,
  ): () => void {
    let current = connection;
    let isOver = false;
    let forget = (): void => {};
    const over = (): void => {
      isOver = true;
      forget();
    };
    const fail = (reason: Error, answered = false): void => {
      if (isOver) return;
      over();
      current?.destroy();
      receiver.failed(reason, answered);
    };
    forget = watch(fail, request.onSlow);
    if (current === undefined) {
      fail(new LarderError('OVERLOADED', `all ${MOST_CONNECTIONS} connections to the cache are busy`));
      return () => {};
    }
    begin(current, isReused);
    return () => {
      if (isOver) return;
      over();
      current?.destroy();
    };

    function begin(to: CacheConnection, mayBeStale: boolean): void {
      to.ready.then(
        () => {
          if (!isOver) to.ask(request.bytes, request.isHead, relayTo(mayBeStale));
        },
        (error: Error) => fail(error),
      );
    }

    function relayTo(mayBeStale: boolean): AnswerReceiver {
      return {
        head(head) {
          if (isOver) return;
          forget();
          receiver.head(head);
        },
        body(piece, taken) {
          if (!isOver) receiver.body(piece, taken);
        },
        end() {
          if (isOver) return;
          over();
          receiver.end();
        },
        failed(error, answered) {
          // The cache may have closed an idle connection at the moment of the request: once more, over a new one.
          const again = mayBeStale && !answered && !isOver ? open() : undefined;
          if (again === undefined) return fail(error, answered);
          current = again;
          begin(again, false);
        },
      };
    }
  }

  /** Until the headers are there: a limit, a hint that it is slow, and whoever closes the gate. */
  function watch(fail: (reason: Error) => void, onSlow: (() => void) | undefined): () => void {
    const cancelSlow = clock.after(SLOW_MS, () => onSlow?.());
    const cancel = clock.after(HEADERS_MS, () =>
      fail(new LarderError('UPSTREAM_TIMEOUT', `the cache did not answer within ${HEADERS_MS} ms`)),
    );
    waiting.add(fail);
    return () => {
      cancelSlow();
      cancel();
      waiting.delete(fail);
    };
  }

  /** Undefined when there are too many. */
  function open(): CacheConnection | undefined {
    if (connections >= MOST_CONNECTIONS) return undefined;
    connections += 1;
    const connection = openCacheConnection(address, slabs, {
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

function addressOf({ endpoint, serverName, ca }: CacheClientOptions): CacheAddress {
  const { protocol, hostname, port } = new URL(endpoint);
  const isTls = protocol === 'https:';
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    tls: isTls
      ? // Only the operator's authority: a certificate of a public one says nothing about a cache.
        { servername: serverName, secureContext: createSecureContext({ ca, minVersion: 'TLSv1.3' }) }
      : undefined,
  };
}
