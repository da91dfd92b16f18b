import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { isLarderError } from '../../kit/errors.ts';
import { RegistryExchange } from './exchange.ts';

interface Served extends AsyncDisposable {
  readonly exchange: RegistryExchange;
  readonly answer: Promise<IncomingMessage>;
  /** Makes the client go away. */
  readonly leave: () => void;
}

/** An exchange of a real request, marked gone when its connection closes, as the listener marks it. */
async function serve(
  path = '/v2/',
  options: { method?: string; headers?: Record<string, string | string[]> } = {},
): Promise<Served> {
  const arrived = Promise.withResolvers<RegistryExchange>();
  const server = createServer((request, response) => {
    const exchange = new RegistryExchange(request, response, 'a1');
    response.once('close', () => exchange.markGone());
    arrived.resolve(exchange);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = httpRequest({ host: '127.0.0.1', port, path, ...options });
  const answer = once(client, 'response').then(([message]) => message as IncomingMessage);
  answer.catch(() => {});
  client.on('error', () => {});
  client.end();
  return {
    exchange: await arrived.promise,
    answer,
    leave: () => void client.destroy(),
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the request of an exchange', () => {
  test('has its path without the query, and ns beside other parameters', async () => {
    await using served = await serve('/v2/a/tags/list?n=5&ns=docker.io');
    const { exchange } = served;
    assert.deepEqual(
      [exchange.method, exchange.isHead, exchange.path, exchange.ns],
      ['GET', false, '/v2/a/tags/list', 'docker.io'],
    );
    assert.equal(exchange.params.get('n'), '5');
  });

  test('has no ns without a query, and an empty one when it is empty', async () => {
    await using plain = await serve('/v2/', { method: 'HEAD' });
    assert.deepEqual([plain.exchange.isHead, plain.exchange.ns], [true, undefined]);
    await using empty = await serve('/v2/?ns=');
    assert.equal(empty.exchange.ns, '');
  });

  test('counts repeated Accept lines as one list', async () => {
    await using served = await serve('/v2/', {
      headers: { accept: ['a/b', 'c/d'], range: 'bytes=0-', authorization: 'Basic eA==' },
    });
    const { accept, range, authorization } = served.exchange;
    assert.deepEqual([accept, range, authorization], ['a/b, c/d', 'bytes=0-', 'Basic eA==']);
  });
});

describe('writing the body', () => {
  test('resolves when the bytes are gone and counts them', async () => {
    await using served = await serve();
    const { exchange, answer } = served;
    await exchange.write(Buffer.from('hello '));
    await exchange.write(Buffer.from('world'));
    assert.equal(exchange.sentBytes, 11);
    exchange.response.end();
    assert.equal(Buffer.concat(await (await answer).toArray()).toString(), 'hello world');
  });

  test('does not resolve before a slow client has taken the bytes, and rejects with CLIENT_GONE when it leaves', async () => {
    await using served = await serve();
    const { exchange, answer, leave } = served;
    let taken = 0;
    const writing = (async () => {
      for (;;) {
        await exchange.write(Buffer.alloc(1 << 20));
        taken += 1;
      }
    })();
    const failed = assert.rejects(writing, (error) => isLarderError(error, 'CLIENT_GONE'));
    (await answer).pause();
    leave();
    await failed;
    assert.equal(exchange.sentBytes, taken << 20);
    await assert.rejects(exchange.write(Buffer.from('x')), (error) => isLarderError(error, 'CLIENT_GONE'));
  });
});

describe('the signal of an exchange', () => {
  test('aborts with CLIENT_GONE when the client leaves', async () => {
    await using served = await serve();
    const { signal } = served.exchange;
    assert.equal(signal.aborted, false);
    const aborted = once(signal, 'abort');
    served.leave();
    await aborted;
    assert.ok(isLarderError(signal.reason, 'CLIENT_GONE'));
  });

  test('has aborted when it is first asked for after the client has left', async () => {
    await using served = await serve();
    served.exchange.markGone();
    assert.ok(isLarderError(served.exchange.signal.reason, 'CLIENT_GONE'));
    assert.equal(served.exchange.signal, served.exchange.signal);
  });
});
