import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { systemClock, endsWithin } from './clock.ts';
import { drain, listen } from './listen.ts';

describe('a listener', () => {
  test('on [::] is reached over IPv4 and over IPv6', async (context) => {
    const server = createServer((_request, response) => response.end('here'));
    context.after(() => server.close());
    const { host, port } = await listen(server, { host: '::', port: 0 }, '--address');
    assert.equal(host, '::');
    for (const way of ['127.0.0.1', '[::1]'])
      assert.equal(await (await fetch(`http://${way}:${port}/`)).text(), 'here', way);
  });

  test('at an address that is taken says what to do', async (context) => {
    const [first, second] = [createServer(), createServer()];
    context.after(() => first.close());
    const { port } = await listen(first, { host: '127.0.0.1', port: 0 }, '--address');
    await assert.rejects(listen(second, { host: '127.0.0.1', port }, '--address'), {
      code: 'ADDRESS_IN_USE',
      message: `cannot listen on 127.0.0.1:${port}: the address is in use`,
      hint: 'choose another address with --address',
    });
  });

  test('ends soon although a client has connected and says nothing, with TLS as without', async (context) => {
    for (const server of [createServer(), createTlsServer()]) {
      const { host, port } = await listen(server, { host: '127.0.0.1', port: 0 }, '--address');
      const client = connect({ host, port });
      context.after(() => client.destroy());
      await once(server, 'connection');
      assert.ok(
        await endsWithin(
          systemClock,
          drain(server, () => 0, systemClock, 0),
          10_000,
        ),
      );
    }
  });
});
