import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { afterSockets } from '../cache-client/after-sockets.ts';
import type { CacheClient } from '../cache-client/cache-client.ts';

/** Connecting included. Together with `SILENT_MS`, which a request waits before, this is less than the second that a pull may lose. */
const PROBE_MS = 400;

/**
 * Sends `GET /v2/_catalog`, the one request of the registry API that a cache answers from memory, always with 404. The answer proves the
 * network, the certificate, the process and its registry handler. Every node probes once in 5 s, so a ping or a manifest would be too many
 * requests to the upstream. A cache whose upstream is down stays in use, and a cache without its store passes requests through. Rejects
 * without such an answer in time.
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
