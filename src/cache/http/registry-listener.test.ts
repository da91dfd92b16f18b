import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { connectRaw, gate, get, waitFor } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { sendBody } from './answer.ts';
import type { RegistryExchange } from './registry-exchange.ts';
import { LoginRequired } from './login-required.ts';
import { createRegistryListener, type ExtraHeaders } from './registry-listener.ts';

const MiB = 1 << 20;

interface Served extends AsyncDisposable {
  readonly url: string;
  readonly clock: ManualClock;
  /** Requests that have arrived, and the paths of those whose answers have ended. */
  readonly began: () => number;
  readonly ended: readonly string[];
  readonly connections: () => Promise<number>;
  /** Error messages of the log. */
  readonly errors: readonly string[];
}

async function serve(
  handle: (exchange: RegistryExchange) => Promise<void>,
  headers: ExtraHeaders = {},
): Promise<Served> {
  const clock = new ManualClock();
  const ended: string[] = [];
  const errors: string[] = [];
  let count = 0;
  const server = createRegistryListener(
    {
      handle,
      began: () => {
        count += 1;
      },
      observe: ({ path }) => void ended.push(path),
      headers,
      clock,
      logger: { ...silentLogger, error: (message) => void errors.push(message) },
    },
    undefined,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clock,
    began: () => count,
    ended,
    connections: async () => {
      const { promise, resolve } = Promise.withResolvers<number>();
      server.getConnections((_error, open) => resolve(open));
      return promise;
    },
    errors,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function requestOf(path: string, method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: larder\r\n\r\n`;
}

function answer(exchange: RegistryExchange, body: string): void {
  sendBody(exchange, 200, { kind: 'hit' }, {}, body);
}

describe('the answers on one connection', () => {
  test('all end with it, also those that wait for their turn before a CONNECT', async () => {
    const door = gate();
    await using served = await serve(async (exchange) => {
      await door.passed;
      answer(exchange, 'late');
    });
    const client = await connectRaw(served.url);
    await client.send(requestOf('/one') + requestOf('/two') + requestOf('larder:443', 'CONNECT'));
    await waitFor(() => served.ended.length === 2);
    assert.deepEqual([...served.ended].sort(), ['/one', '/two']);
    door.open();
  });

  test('each ends once', async () => {
    await using served = await serve(async (exchange) => answer(exchange, exchange.path));
    const client = await connectRaw(served.url);
    await client.send(requestOf('/one') + requestOf('/two'));
    await waitFor(() => client.received.includes('/two'));
    client.reset();
    await waitFor(() => served.ended.length >= 2);
    assert.deepEqual(served.ended, ['/one', '/two']);
  });

  test('are cut after the one before, when one fails half-way that waits for its turn', async () => {
    const door = gate();
    await using served = await serve(async (exchange) => {
      if (exchange.path === '/one') await door.passed;
      else {
        exchange.response.writeHead(200, { 'Content-Length': 10 });
        throw new LarderError('UPSTREAM_UNREACHABLE', 'the upstream ended early');
      }
      answer(exchange, 'the whole first answer');
    });
    const client = await connectRaw(served.url);
    await client.send(requestOf('/one') + requestOf('/two'));
    await waitFor(() => served.began() === 2);
    door.open();
    await waitFor(() => client.isOver);
    assert.match(client.received, /the whole first answer$/);
  });
});

describe('a client that has ended its side', () => {
  test('and does not read is cut off', async () => {
    await using served = await serve(async (exchange) => {
      exchange.response.writeHead(200);
      for (;;) await exchange.write(Buffer.alloc(MiB));
    });
    const client = await connectRaw(served.url);
    client.pause();
    await client.send(requestOf('/one'));
    await waitFor(() => served.began() === 1);
    client.halfClose();
    await waitFor(() => served.clock.pending === 1);
    assert.equal(await served.connections(), 1);
    served.clock.advance(5000);
    await waitFor(async () => (await served.connections()) === 0 && served.ended.length === 1);
  });
});

describe('bytes that are no request', () => {
  test('are answered with 400, and a client that stays all the same is cut off', async () => {
    await using served = await serve(async (exchange) => answer(exchange, 'x'));
    const client = await connectRaw(served.url);
    await client.send('nonsense\r\n\r\n');
    await waitFor(() => client.isOver);
    assert.match(client.received, /^HTTP\/1\.1 400 .*Cache-Status: larder; detail=REQUEST_INVALID\r\n/s);
    assert.equal(served.clock.pending, 1);
    served.clock.advance(5000);
    await waitFor(async () => (await served.connections()) === 0);
  });

  test('behind a request end the connection without an answer, which would be taken for a part of the one before', async () => {
    const door = gate();
    await using served = await serve(async (exchange) => {
      exchange.response.writeHead(200, { 'Content-Length': 200 });
      await exchange.write(Buffer.from('the beginning'));
      await door.passed;
    });
    const client = await connectRaw(served.url);
    await client.send(requestOf('/one'));
    await waitFor(() => client.received.includes('the beginning'));
    await client.send('nonsense\r\n\r\n');
    await waitFor(() => client.isOver);
    assert.match(client.received, /the beginning$/);
    door.open();
  });
});

test('an error that cannot be sent ends its connection, and nothing else', async () => {
  await using served = await serve(async () => {
    throw new LoginRequired('a login is needed', 'Basic realm="\n"');
  });
  const client = await connectRaw(served.url);
  await client.send(requestOf('/one'));
  await waitFor(() => client.isOver);
  assert.equal(client.received, '');
  assert.deepEqual(served.errors, ['failed to send an error document']);
});

test('additional header fields are in every answer, also in that of a failed request, once', async () => {
  const headers = { 'X-Content-Type-Options': ['nosniff'], 'X-Several': ['a', 'b'] };
  await using served = await serve(async (exchange) => {
    await Promise.resolve();
    if (exchange.path === '/error') {
      exchange.response.setHeader('X-Own', 'c');
      throw new LarderError('NAME_UNKNOWN', 'no');
    }
    sendBody(exchange, 200, { kind: 'hit' }, {}, 'ok');
  }, headers);
  for (const [path, status] of [
    ['/', 200],
    ['/error', 404],
  ] as const) {
    const answer = await get(served.url + path);
    assert.equal(answer.status, status);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['x-several'], 'a, b');
    assert.equal(answer.headers['x-own'], undefined);
  }
});
