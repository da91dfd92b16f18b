import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { listen } from '../../kit/listen.ts';
import { openCacheConnection } from './cache-connection.ts';
import { createSlabs } from './slabs.ts';

test('a connection is nobody else’s while a client has not taken its answer', async (context) => {
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
