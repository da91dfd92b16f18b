import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { censusOf } from '../faults/census.ts';
import { startAgentOfFile } from '../integration/node-agent-process.ts';
import { connectRaw, get, imageOf, startUpstream, tempDir, waitFor, type Upstream } from '../kit/index.ts';
import { freePort } from '../parts/free-port.ts';
import { relayAuthority } from './relay-authority.ts';
import { cacheEntry, NAME, playLarder } from './setting.ts';

const MiB = 1 << 20;
const image = imageOf({ layers: [MiB] });
const blob = image.layers[0]!;

interface Agent extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly ca: string;
}

/** A node agent as a process of its own, whose sockets can be counted. */
async function startAgent(cache: Upstream): Promise<Agent> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const certsDirectory = join(files.path, 'certs.d');
  const port = await freePort();
  const document = { revision: '1', ca: cache.caPem, caches: [cacheEntry(cache.url)] };
  const containerdConfig = join(files.path, 'config.toml');
  const agent = cleanup.use(await startAgentOfFile(document, { port, certsDirectory, containerdConfig }));
  await waitFor(() => existsSync(join(certsDirectory, NAME, 'hosts.toml')), { what: 'hosts.toml' });
  const ca = relayAuthority(certsDirectory, NAME);
  const owned = cleanup.move();
  return {
    pid: agent.pid,
    url: `https://127.0.0.1:${port}`,
    ca,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const requestOf = (method = 'GET'): string =>
  `${method} /v2/app/blobs/${blob.digest}?ns=${NAME} HTTP/1.1\r\nHost: larder\r\n\r\n`;

describe('clients of the relay that leave in the middle', () => {
  for (const [how, text] of [
    ['of an answer', requestOf()],
    ['of several, of which the last is a CONNECT', `${requestOf()}${requestOf()}${requestOf('CONNECT')}`],
    ['of an invalid request', `${requestOf()}nonsense\r\n\r\n`],
  ] as const) {
    test(`${how} leave nothing open, neither to them nor to the cache`, async () => {
      await using cache = await startUpstream({ tls: true });
      playLarder(cache);
      cache.push('app', image, 'v1');
      await using agent = await startAgent(cache);
      const url = `${agent.url}/v2/app/blobs/${blob.digest}?ns=${NAME}`;
      const whole = () => get(url, { ca: agent.ca, body: { expect: blob } });
      await whole();
      const before = censusOf(agent.pid);
      for (let round = 0; round < 20; round += 1) {
        const clients = await Promise.all(Array.from({ length: 8 }, () => connectRaw(agent.url)));
        await Promise.all(clients.map((client) => client.send(text)));
        for (const client of clients) client.reset();
      }
      await waitFor(
        () => {
          cache.hangUp();
          return (censusOf(agent.pid)?.sockets ?? 0) <= (before?.sockets ?? 0);
        },
        { limitMs: 20_000, everyMs: 200, what: 'as many sockets as at the start' },
      );
      await waitFor(async () => (await whole()).matches === true, {
        limitMs: 30_000,
        what: 'a whole answer',
      });
    });
  }
});
