import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { listen } from './listen.ts';

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
});
