import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { afterSockets } from '../cache-client/after-sockets.ts';
import type { CacheClient } from '../cache-client/cache-client.ts';

/** Connecting included. With what a request waits before it (`SLOW_MS`) it is less than the second that a pull may lose. */
const PROBE_MS = 400;

/**
 * Asks a cache for the one thing of the registry API that it answers from memory and without its upstream, `/v2/_catalog`, which is
 * always 404. That proves the way there, the certificate, the process and its registry handler, once in 5 s and by every node of a
 * cluster; a ping or a manifest would be a request to the upstream each time. That the upstream is down says nothing against a cache, and
 * one without a store passes requests through. Rejects when there is no such answer in time.
 */
export function probeCache(
  client: CacheClient,
  host: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = `GET /v2/_catalog HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: larder-node-agent\r\n\r\n`;
    const cancel = afterSockets(clock, PROBE_MS, () => fail(`did not answer within ${PROBE_MS} ms`));
    const onAbort = (): void => fail('is no longer probed');
    signal.addEventListener('abort', onAbort, { once: true });
    const giveUp = client.send(
      { bytes, isHead: false, isProbe: true },
      {
        head({ status, rawHeaders }) {
          if (status !== 404 || !isLarder(rawHeaders)) fail(`answered with ${status}`);
        },
        body: (_piece, taken) => setImmediate(taken),
        end: () => settle(resolve),
        failed: (error) => settle(() => reject(error)),
      },
    );

    function fail(what: string): void {
      giveUp();
      settle(() => reject(new LarderError('CACHE_UNAVAILABLE', `the cache ${what}`)));
    }

    function settle(how: () => void): void {
      cancel();
      signal.removeEventListener('abort', onAbort);
      how();
    }
  });
}

function isLarder(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some(
    (name, index) =>
      index % 2 === 0 &&
      name.toLowerCase() === 'cache-status' &&
      (rawHeaders[index + 1] ?? '').startsWith('larder;'),
  );
}
