import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { isLarderError } from '../../kit/errors.ts';
import { listen } from '../../kit/listen.ts';
import { openCacheConnection } from './cache-connection.ts';
import { createSlabs } from './slabs.ts';

test('a connection is not idle while a client has not taken its answer', async (context) => {
  const server = createServer((_request, response) => response.end('answer'));
  context.after(() => server.close());
  const { host, port } = await listen(server, { host: '127.0.0.1', port: 0 }, '--address');
  let idles = 0;
  const connection = openCacheConnection({ host, port, tls: undefined }, createSlabs(), {
    onReach: () => {},
    onIdle: () => (idles += 1),
    onClose: () => {},
  });
  context.after(() => connection.destroy());
  await connection.ready;

  let take: (() => void) | undefined;
  let isComplete = false;
  connection.ask('GET / HTTP/1.1\r\nHost: x\r\n\r\n', false, {
    head: () => {},
    body: (_piece, taken) => (take = taken),
    end: () => (isComplete = true),
    failed: assert.fail,
  });
  await waitFor(() => isComplete);
  assert.deepEqual([idles, connection.isIdle], [0, false]);
  take?.();
  assert.deepEqual([idles, connection.isIdle], [1, true]);
});

const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

test('chunked bodies arrive whole, one after the other over one connection', async (context) => {
  const body = Buffer.alloc(3 << 20, 'something that repeats with an odd length');
  const parts: (Buffer | string)[] = [];
  for (let at = 0, size = 1; at < body.length; at += size, size = ((size * 7) % 65_537) + 1) {
    const chunk = body.subarray(at, at + size);
    parts.push(`${chunk.length.toString(16)};x=y\r\n`, chunk, '\r\n');
  }
  const bodies = [body, Buffer.alloc(0), body];
  const { ask, state } = await connectTo(context, (socket, count) => {
    socket.write(HEAD);
    if (count !== 1) for (const part of parts) socket.write(part);
    socket.write('0\r\nX-Trailer: z\r\n\r\n');
  });
  for (const [count, expected] of bodies.entries()) {
    const { bytes, error } = await ask();
    assert.deepEqual([error, bytes.equals(expected)], [undefined, true]);
    await waitFor(() => state.idles === count + 1);
  }
});

test('a connection with bytes behind the end of a chunked body is not reused', async (context) => {
  const { ask, state } = await connectTo(context, (socket) =>
    socket.write(`${HEAD}2\r\nok\r\n0\r\n\r\nHTTP/1.1`),
  );
  assert.equal(String((await ask()).bytes), 'ok');
  await waitFor(() => state.isClosed);
  assert.equal(state.idles, 0);
});

test('an answer with invalid chunks fails, with the bytes that came before', async (context) => {
  let cache: Socket | undefined;
  const { ask, state } = await connectTo(context, (socket) => {
    cache = socket;
    socket.write(`${HEAD}2\r\nok\r\n`);
  });
  const { bytes, error } = await ask(() => cache?.write('2\r\nno way'));
  assert.ok(isLarderError(error, 'UPSTREAM_BAD_ANSWER'));
  assert.equal(String(bytes), 'ok');
  await waitFor(() => state.isClosed);
  assert.equal(state.idles, 0);
});

interface Answer {
  readonly bytes: Buffer;
  readonly error: Error | undefined;
}

/** A connection to a server that calls `answer` for each request, with a client that takes everything at once. */
async function connectTo(context: TestContext, answer: (cache: Socket, count: number) => void) {
  let count = 0;
  const server = createRawServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer(socket, count++));
  });
  context.after(() => server.close());
  const { host, port } = await listen(server as Server, { host: '127.0.0.1', port: 0 }, '--address');
  const state = { idles: 0, isClosed: false };
  const connection = openCacheConnection({ host, port, tls: undefined }, createSlabs(), {
    onReach: () => {},
    onIdle: () => (state.idles += 1),
    onClose: () => (state.isClosed = true),
  });
  context.after(() => connection.destroy());
  await connection.ready;
  const ask = (onBytes = (): void => {}): Promise<Answer> =>
    new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const settle = (error?: Error): void => resolve({ bytes: Buffer.concat(pieces), error });
      connection.ask('GET / HTTP/1.1\r\nHost: x\r\n\r\n', false, {
        head: () => {},
        body(piece, taken) {
          pieces.push(Buffer.from(piece));
          setImmediate(taken);
          onBytes();
        },
        end: () => settle(),
        failed: settle,
      });
    });
  return { ask, state };
}
