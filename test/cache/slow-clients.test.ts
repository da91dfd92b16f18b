/** Clients that stop in the middle of a request, at each listener of Larder's programs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { sendBody } from '../../src/cache/http/answer.ts';
import { createRegistryListener } from '../../src/cache/http/registry-listener.ts';
import { createAdminListener } from '../../src/kit/admin/admin-listener.ts';
import { CLIENT_LIMITS } from '../../src/kit/client-limits.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareCacheMetrics } from '../../src/cache/metrics.ts';
import { createRelayListener } from '../../src/node-agent/relay/relay-listener.ts';
import { connectRaw, createTestPki, waitFor, type RawConnection } from '../kit/index.ts';

const LIMITS = { handshakeMs: 300, requestMs: 300, idleMs: 300, checkMs: 20, headerBytes: 16 * 1024 };
/** A listener adds a second to the idle time, for clients that use their connection at the last moment. */
const SOON = { limitMs: 4_000 };

const server = createTestPki().server();

/** Answers at once, whether or not the body has arrived. */
function registry(clock: ManualClock, tls?: { cert: Buffer; key: Buffer }): Server {
  const handle = async (exchange: Parameters<typeof sendBody>[0]) =>
    sendBody(exchange, 200, { kind: 'hit' }, {}, 'x');
  const deps = { handle, began() {}, observe() {}, clock, logger: silentLogger };
  return createRegistryListener(deps, tls, LIMITS);
}

const listeners: Readonly<Record<string, (clock: ManualClock) => Server>> = {
  'the registry': (clock) => registry(clock),
  'the registry with TLS': (clock) =>
    registry(clock, { cert: Buffer.from(server.cert), key: Buffer.from(server.key) }),
  'the admin pages': () =>
    createAdminListener(
      { metrics: declareCacheMetrics(createMetricsRegistry()), logger: silentLogger, ready: () => true },
      LIMITS,
    ),
  'the relay': (clock) =>
    createRelayListener(
      async (_request, response) => void response.end('x'),
      { certificate: server.cert, key: server.key, ca: server.cert },
      clock,
      LIMITS,
    ).server,
};

for (const [name, create] of Object.entries(listeners)) {
  const isTls = name !== 'the registry' && name !== 'the admin pages';

  describe(`a client of ${name} is cut off in time`, { concurrency: true }, () => {
    for (const [how, sent] of [
      ['that says nothing', ''],
      ['that sends half of its headers', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half: '],
      ['that sends half of its body', 'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
    ] as const)
      test(how, async () => {
        await isCutOff(create, isTls ? 'https' : 'http', sent, (client) =>
          assert.match(client.received, /HTTP\/1\.1 408 [^\n]*\r\n(?:[^\n]+\r\n)*\r\n$/),
        );
      });

    test('that keeps its connection and asks no more', async () => {
      await isCutOff(create, isTls ? 'https' : 'http', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', (client) =>
        assert.match(client.received, /^HTTP\/1\.1 200 /),
      );
    });

    for (const [how, sent] of [
      ['that does not greet', ''],
      ['that sends half of a greeting', Buffer.from('1603010200010001fc0303', 'hex')],
    ] as const)
      test(how, { skip: !isTls }, async () => {
        await isCutOff(create, 'http', sent, () => {});
      });
  });
}

test('the limits cut off a client within 70 s, and free an idle connection within 30 s', () => {
  const { handshakeMs, requestMs, checkMs, idleMs } = CLIENT_LIMITS;
  // 5 s for the client to read the answer, and 1 s for delays of the test.
  assert.ok(handshakeMs + requestMs + checkMs + 5_000 < 70_000);
  assert.ok(idleMs + 1_000 < 30_000);
});

async function isCutOff(
  create: (clock: ManualClock) => Server,
  scheme: 'http' | 'https',
  sent: string | Buffer,
  judge: (client: RawConnection) => void,
): Promise<void> {
  const clock = new ManualClock();
  const listener = create(clock).listen(0, '127.0.0.1');
  try {
    await once(listener, 'listening');
    using client = await connectRaw(`${scheme}://127.0.0.1:${(listener.address() as AddressInfo).port}`);
    await client.send(sent);
    await waitFor(() => client.isOver || clock.pending > 0, { ...SOON, what: 'the end of the connection' });
    // The connection stays half open for 5 s, then a client that goes on is cut off.
    clock.advance(5_000);
    await waitFor(async () => (await openAt(listener)) === 0, { ...SOON, what: 'no connection at all' });
    await waitFor(() => client.isOver, SOON);
    judge(client);
  } finally {
    listener.closeAllConnections();
    listener.close();
  }
}

function openAt(listener: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  listener.getConnections((_error, open) => resolve(open));
  return promise;
}
