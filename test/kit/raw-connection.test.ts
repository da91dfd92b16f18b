import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { assertNoLeaks, connectRaw, startUpstream, waitFor } from './index.ts';

test('bytes arrive unchanged, and the answer is read until the server ends, over TLS too', async () => {
  for (const tls of [false, true]) {
    await using upstream = await startUpstream({ tls });
    using client = await connectRaw(upstream.url);
    await client.send('GET /v2/ HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n');
    await waitFor(() => client.isOver);
    assert.match(client.received, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\{\}$/s);
  }
});

test('a reset is seen as one, and leaves nothing behind, also of a connection that is half closed', async () => {
  await assertNoLeaks(async () => {
    const ends: string[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      socket.on('data', () => {});
      socket.on('error', ({ message }) => void ends.push(message));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await connectRaw(url);
    client.reset();
    await waitFor(() => ends.length === 1);
    assert.match(ends[0] ?? '', /ECONNRESET/);
    const half = await connectRaw(url);
    half.halfClose();
    half.reset();
    server.close();
  });
});
